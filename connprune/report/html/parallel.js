// Networks in parallel coordinates: an axis a row, a line a network. `axes` are {key, label, write}; a row has the keys.
function parallelFigure(rows, axes, state, label) {
  // Words keep a gap to the lines that go down along the ends of the axes.
  const [left, top, step, gap] = [10, 30, 54, 7];
  const known = axes.filter(({ key }) => rows.some((row) => isKnown(row[key])));
  const drawing = shape("svg", { role: "img", "aria-label": label });
  const node = element("figure", {}, drawing);
  const height = top + step * known.length - 10;
  let strands = [];

  const draw = (width) => {
    drawing.setAttribute("width", width);
    drawing.setAttribute("height", height);
    const scales = known.map(({ key }) => {
      const values = rows.map((row) => row[key]).filter(isKnown);
      const [low, high] = [least(values), largest(values)];
      const log = farApart(values);
      const to = low === high ? () => width / 2 : scale(low, high, left, width - left, log);
      return { low, high, log, to };
    });
    const down = (place) => top + step * place;
    const lines = known.map((_, place) =>
      shape("line", { class: "axis", x1: left, x2: width - left, y1: down(place), y2: down(place) }),
    );
    const words = known.flatMap(({ label: name, write }, place) => {
      const { low, high, log } = scales[place];
      const y = down(place);
      const end = (value, x, anchor) =>
        shape("text", { class: "tick", x, y: y + 17, "text-anchor": anchor }, write(value));
      return [
        shape("text", { class: "title", x: left + gap, y: y - 10 }, log ? `${name}, logarithmic` : name),
        ...(low === high
          ? [end(low, width / 2, "middle")]
          : [end(low, left + gap, "start"), end(high, width - left - gap, "end")]),
      ];
    });
    strands = rows.map((row) => {
      const points = known.flatMap(({ key }, place) =>
        isKnown(row[key]) ? [{ x: scales[place].to(row[key]), y: down(place) }] : [],
      );
      const d = points.map(({ x, y }, number) => `${number ? "L" : "M"}${x.toFixed(1)} ${y}`).join("");
      return shape(
        "g",
        {
          class: `strand${row.network === "cut" ? " ours" : ""}`,
          pointerenter: () => show(row.network),
          pointerleave: () => show(state.network),
          click: () => state.set({ network: row.network }),
        },
        shape("path", { d }),
        points.map(({ x, y }) => shape("circle", { cx: x, cy: y, r: 3.5 })),
        shape("path", { class: "hit", d }),
      );
    });
    drawing.replaceChildren(...lines, shape("g", {}, strands), shape("g", { class: "words" }, words));
    show(state.network);
  };

  function show(network) {
    strands.forEach((strand, number) => strand.classList.toggle("chosen", rows[number].network === network));
    const chosen = strands.find((strand) => strand.classList.contains("chosen"));
    chosen?.parentNode.append(chosen);
  }

  drawn(node, draw);
  state.on(() => show(state.network));
  return node;
}

const isKnown = (value) => value !== null && value !== undefined;

// The lines with a choice of one, by pointer or by keyboard, and what it is on each axis.
function parallelSection(rows, axes, state) {
  const said = element("p", { class: "readout", "aria-live": "polite" });
  const choices = rows.map((row) =>
    element("input", {
      type: "radio",
      name: "strand",
      value: row.network,
      change: () => state.set({ network: row.network }),
    }),
  );
  const tell = () => {
    const row = rows.find(({ network }) => network === state.network);
    choices.forEach((choice) => (choice.checked = choice.value === state.network));
    said.textContent = row
      ? `${row.network}: ${axes
          .filter(({ key }) => isKnown(row[key]))
          .map(({ key, label, write }) => `${label}: ${write(row[key])}`)
          .join("; ")}`
      : "";
  };
  state.on(tell);
  tell();
  return card(
    "All measures at once",
    element(
      "p",
      { class: "note" },
      "An axis is a measure, less on the left; a line is a network, or the mean of a row of several. The cut's is the wide one.",
    ),
    element(
      "fieldset",
      { class: "options" },
      element("legend", {}, "Network"),
      choices.map((choice, number) => element("label", {}, choice, rows[number].network)),
    ),
    parallelFigure(rows, axes, state, "Networks in parallel coordinates; the tables above have the numbers."),
    said,
  );
}
