// Lines over a common axis, and points with their errors.
const niceStep = (span, count) => {
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 2.5, 5, 10].find((each) => each * power >= rough) ?? 10) * power;
};

function ticks(low, high, count, whole = false) {
  if (!(high > low)) return [low];
  const step = Math.max(whole ? 1 : 0, niceStep(high - low, count));
  const found = [];
  for (let tick = Math.ceil(low / step - 1e-9) * step; tick <= high + step * 1e-6; tick += step)
    found.push(Number(tick.toPrecision(12)));
  return found;
}

function powers(low, high, most) {
  const factors = high > 1000 * low ? [1] : [1, 2, 5];
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high) + 1e-9; power += 1)
    found.push(...factors.map((factor) => Number((factor * 10 ** power).toPrecision(12))));
  const inside = found.filter((mark) => mark >= low * (1 - 1e-9) && mark <= high * (1 + 1e-9));
  if (inside.length < 2) return ticks(low, high, 5);
  const each = Math.ceil(inside.length / most);
  return inside.filter((_, number) => number % each === 0);
}

// Maps values of [low, high] to pixels of [from, to].
function scale(low, high, from, to, log = false) {
  const of = log ? (value) => Math.log10(Math.max(value, low)) : (value) => value;
  const [a, b] = [of(low), of(high)];
  return (value) => from + ((of(value) - a) / (b - a || 1)) * (to - from);
}

const least = (values) => values.reduce((found, value) => (value < found ? value : found), Infinity);
const largest = (values) => values.reduce((found, value) => (value > found ? value : found), -Infinity);

// Whether the axis of these is logarithmic, as in the figures: all are positive and they are far apart.
const farApart = (values) => least(values) > 0 && largest(values) > 5 * least(values);

// Axes and ticks; gives the two scales.
function axes(drawing, { width, height, left, x, y, right = 10, bottom = 36, top = 26 }) {
  const across = scale(x.low, x.high, left, width - right, x.log);
  const up = scale(y.low, y.high, height - bottom, top, y.log);
  const count = Math.max(2, Math.floor((width - left) / 90));
  const marks = (axis, wanted, most) =>
    axis.log ? powers(axis.low, axis.high, most) : ticks(axis.low, axis.high, wanted, axis.whole);
  for (const tick of marks(y, 4, 6)) {
    drawing.append(
      shape("line", { class: "axis", x1: left, x2: width - right, y1: up(tick), y2: up(tick) }),
      shape("text", { class: "tick", x: left - 6, y: up(tick) + 4, "text-anchor": "end" }, y.write(tick)),
    );
  }
  for (const tick of marks(x, count, clamped(Math.floor((width - left - right) / 60), 2, 6))) {
    drawing.append(
      shape(
        "text",
        { class: "tick", x: across(tick), y: height - bottom + 16, "text-anchor": "middle" },
        x.write(tick),
      ),
    );
  }
  const title = (axis) => (axis.log ? `${axis.label}, logarithmic` : axis.label);
  // A long name of the axis ends beyond it rather than begin outside of the drawing.
  const end = Math.max(width - right, Math.min(width, title(x).length * 6.5));
  drawing.append(
    shape("text", { class: "title", x: 0, y: 11 }, title(y)),
    shape("text", { class: "title", x: end, y: height - 3, "text-anchor": "end" }, title(x)),
  );
  return { across, up };
}

// `series` are {name, values, kind, g}; `pick` is told which series and place the pointer or the keys are at.
function lines({ label, x, y, at, series, height = 240, left = 52, pick, names = false }) {
  const drawing = shape("svg", { role: "group", "aria-roledescription": "chart", tabindex: "0", "aria-label": label });
  const node = element("figure", {}, drawing);
  const cursor = shape("line", { class: "cursor" });
  const floor = shape("line", { class: "floor" });
  const dots = shape("g", {});
  const band = shape("path", { class: "band" });
  const marks = { place: null, floor: null, band: null, classes: () => "" };
  let paths = [];
  let drawnScales = null;

  const redraw = drawn(node, (width) => {
    const right = names ? 92 : 10;
    drawing.setAttribute("width", width);
    drawing.setAttribute("height", height);
    drawing.replaceChildren();
    const { across, up } = axes(drawing, { width, height, left, right, x, y: axisOf(y, series) });
    drawnScales = { across, up, width, right };
    paths = series.map((each) =>
      shape("path", { class: `series ${each.kind ?? ""}`, "--g": each.g ?? 1, d: path(each.values) }),
    );
    drawing.append(band, floor, ...paths, cursor, dots);
    if (names) endNames(up, width - right);
    show();
  });

  function axisOf(wanted, all) {
    const found = all.flatMap((each) => each.values).filter((value) => value !== null && Number.isFinite(value));
    const values = wanted.log ? found.map(Math.abs) : found;
    if (wanted.log)
      return {
        ...wanted,
        low: Math.max(1e-6, Math.min(1, least(values.filter((value) => value > 0)))),
        high: Math.max(wanted.low ?? 0, largest(values)),
        write: formats.short,
      };
    const [low, high] = [
      Math.min(wanted.low ?? Infinity, least(values)),
      Math.max(wanted.high ?? -Infinity, largest(values)),
    ];
    return { ...wanted, low, high: high > low ? high : low + 1 };
  }

  function path(values) {
    const { across, up } = drawnScales;
    let begun = false;
    return values
      .map((value, place) => {
        if (value === null || !Number.isFinite(value)) {
          begun = false;
          return "";
        }
        const step = `${begun ? "L" : "M"}${across(at[place]).toFixed(1)} ${up(y.log ? Math.abs(value) : value).toFixed(1)}`;
        begun = true;
        return step;
      })
      .join("");
  }

  function endNames(up, edge) {
    const ends = series
      .map((each) => ({ each, y: up(each.values.findLast((value) => value !== null)) }))
      .sort((a, b) => a.y - b.y);
    // Apart from one another, and above the axis.
    const lowest = height - 40;
    ends.forEach((end, number) => {
      end.y = number ? Math.max(end.y, ends[number - 1].y + 14) : end.y;
    });
    const most = (number) => lowest - 14 * (ends.length - 1 - number);
    ends.forEach(({ each, y: wanted }, number) => {
      drawing.append(
        shape(
          "text",
          { class: `key ${each.kind || "first"}`, x: edge + 8, y: Math.min(wanted, most(number)) + 4 },
          each.name,
        ),
      );
    });
  }

  function show() {
    if (!drawnScales) return;
    const { across, up, width, right } = drawnScales;
    const isIn = marks.place !== null;
    cursor.toggleAttribute("hidden", !isIn);
    cursor.style.display = isIn ? "" : "none";
    if (isIn)
      for (const [name, value] of Object.entries({
        x1: across(at[marks.place]),
        x2: across(at[marks.place]),
        y1: 26,
        y2: height - 36,
      }))
        cursor.setAttribute(name, value);
    floor.style.display = marks.floor === null ? "none" : "";
    if (marks.floor !== null)
      for (const [name, value] of Object.entries({
        x1: left,
        x2: width - right,
        y1: up(marks.floor),
        y2: up(marks.floor),
      }))
        floor.setAttribute(name, value);
    let front = null;
    paths.forEach((each, number) => {
      const extra = marks.classes(number);
      each.setAttribute("class", `series ${series[number].kind ?? ""} ${extra}`);
      if (extra.includes("chosen")) front = each;
    });
    if (front) dots.before(front);
    dots.replaceChildren(
      ...(isIn && series.length < 6 ? series : []).flatMap((each) => {
        const value = each.values[marks.place];
        return value === null || value === undefined
          ? []
          : [
              shape("circle", {
                class: "dot",
                r: 3.5,
                cx: across(at[marks.place]),
                cy: up(y.log ? Math.abs(value) : value),
              }),
            ];
      }),
    );
    band.style.display = marks.band ? "" : "none";
    if (marks.band) {
      const edge = (values, places) =>
        places.map((place) => `${across(at[place]).toFixed(1)} ${up(values[place]).toFixed(1)}`).join("L");
      const places = at.map((_, place) => place);
      band.setAttribute("d", `M${edge(marks.band.high, places)}L${edge(marks.band.low, [...places].reverse())}Z`);
    }
  }

  function nearest(event) {
    const bounds = drawing.getBoundingClientRect();
    const { across, up } = drawnScales;
    const [px, py] = [event.clientX - bounds.left, event.clientY - bounds.top];
    const place = at.reduce(
      (best, value, number) => (Math.abs(across(value) - px) < Math.abs(across(at[best]) - px) ? number : best),
      0,
    );
    let found = null;
    let distance = 22;
    series.forEach((each, number) => {
      const value = each.values[place];
      const away =
        value === null || value === undefined ? Infinity : Math.abs(up(y.log ? Math.abs(value) : value) - py);
      if (away < distance) [found, distance] = [number, away];
    });
    return { place, found };
  }

  drawing.addEventListener("pointermove", (event) => {
    if (drawnScales) pick(nearest(event), "hover");
  });
  drawing.addEventListener("pointerleave", () => pick({ place: null, found: null }, "leave"));
  drawing.addEventListener("click", (event) => {
    if (drawnScales) pick(nearest(event), "click");
  });
  drawing.addEventListener("keydown", (event) => {
    const steps = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    if (!steps) return;
    pick({ along: steps[0], among: steps[1] }, "key");
    event.preventDefault();
  });
  return {
    node,
    mark(changes) {
      Object.assign(marks, changes);
      show();
    },
    rescale(changes) {
      Object.assign(y, changes);
      redraw();
    },
  };
}

// `points` are {name, x, y, error, isOurs, faint, text}; `front` has the numbers of those that the dashed line joins.
function scatter({ label, x, y, points, front, choose, height = 340, left = 62 }) {
  const drawing = shape("svg", { role: "listbox", tabindex: "0", "aria-label": label });
  const node = element("figure", {}, drawing);
  let marks = [];
  let chosen = null;

  const draw = drawn(node, (width) => {
    drawing.setAttribute("width", width);
    drawing.setAttribute("height", height);
    drawing.replaceChildren();
    const xs = points.map((point) => point.x);
    const ys = points.flatMap((point) => [point.y - (point.error ?? 0), point.y + (point.error ?? 0)]);
    const pad = (low, high, share) => {
      const more = (high - low || Math.abs(high) || 1) * share;
      return [low - more, high + more];
    };
    const log = farApart(xs);
    const [xLow, xHigh] = log
      ? pad(Math.log10(least(xs)), Math.log10(largest(xs)), 0.08).map((power) => 10 ** power)
      : pad(least(xs), largest(xs), 0.08);
    const [yLow, yHigh] = pad(least(ys), largest(ys), 0.1);
    const { across, up } = axes(drawing, {
      width,
      height,
      left,
      right: width > 560 ? 96 : 16,
      x: { ...x, low: Math.max(0, xLow), high: xHigh, log },
      y: { ...y, low: yLow, high: yHigh },
    });
    drawing.append(
      shape("path", {
        class: "front",
        d: front
          .map((number) => points[number])
          .map((point, number) =>
            number ? `H${across(point.x)}V${up(point.y)}` : `M${across(point.x)} ${up(point.y)}`,
          )
          .join(""),
      }),
    );
    const taken = [];
    marks = points.map((point, number) => {
      const [cx, cy] = [across(point.x), up(point.y)];
      const error = point.error
        ? [shape("line", { x1: cx, x2: cx, y1: up(point.y - point.error), y2: up(point.y + point.error) })]
        : [];
      const sign = point.isOurs
        ? shape("path", { d: `M${cx} ${cy - 8}L${cx + 8} ${cy}L${cx} ${cy + 8}L${cx - 8} ${cy}Z` })
        : shape("circle", { cx, cy, r: point.faint ? 3.5 : 6 });
      const words = point.faint ? [] : [named(point, cx, cy, taken, width)];
      return shape(
        "g",
        {
          class: `point${point.faint ? " faint" : ""}`,
          role: "option",
          id: `point-${number}`,
          "aria-selected": "false",
          "aria-label": `${point.name}: ${point.text}`,
          pointerenter: () => choose(number, false),
          pointerleave: () => choose(null, false),
          click: () => choose(number, true),
        },
        ...error,
        sign,
        ...words,
        shape("circle", { class: "area", cx, cy, r: 12 }),
      );
    });
    // The cut lies on the others, and these on the single networks of a row.
    const above = ({ isOurs, faint }) => (isOurs ? 2 : faint ? 0 : 1);
    const order = points.map((_, number) => number).sort((one, other) => above(points[one]) - above(points[other]));
    drawing.append(...order.map((number) => marks[number]));
    show();
  });

  function named(point, cx, cy, taken, width) {
    const name = fitted(point.name, 210, 6.8);
    const wide = name.length * 6.8;
    const isLeft = cx + 12 + wide > width - 4;
    let line = cy + 4;
    const start = isLeft ? cx - 12 - wide : cx + 12;
    for (
      let tries = 0;
      tries < 12 &&
      taken.some((other) => Math.abs(other.line - line) < 13 && other.start < start + wide && start < other.end);
      tries += 1
    ) {
      line = cy + 4 + (tries % 2 ? -1 : 1) * 14 * Math.ceil((tries + 1) / 2);
    }
    taken.push({ line, start, end: start + wide });
    return shape("text", { x: isLeft ? cx - 12 : cx + 12, y: line, "text-anchor": isLeft ? "end" : "start" }, name);
  }

  function show() {
    marks.forEach((mark, number) => {
      mark.classList.toggle("chosen", number === chosen);
      mark.setAttribute("aria-selected", String(number === chosen));
    });
    if (chosen === null) drawing.removeAttribute("aria-activedescendant");
    else drawing.setAttribute("aria-activedescendant", `point-${chosen}`);
  }

  drawing.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    choose(((chosen ?? (step > 0 ? -1 : points.length)) + step + points.length) % points.length, true);
    event.preventDefault();
  });
  return {
    node,
    mark(number) {
      chosen = number;
      show();
    },
    replace(changes) {
      ({ points, front, x } = { points, front, x, ...changes });
      chosen = null;
      draw();
    },
  };
}
