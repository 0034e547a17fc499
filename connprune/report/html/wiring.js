// From so many layers on arcs hide one another; then so many are drawn for each layer, and the matrix has all.
const MANY_LAYERS = 12;
const ARCS_PER_LAYER = 3;
const hasManyLayers = (wiring) => wiring.nodes.length - 2 >= MANY_LAYERS;
const FILTERED = `At most ${ARCS_PER_LAYER} arcs a layer are drawn, those of the most open connections and of equal ones the shortest, and of the layer or connection that is chosen all. The matrix has every connection.`;

// The wiring: layers in order from left to right, connections as arcs above them.
// `gateOf` gives what is drawn of each arc, 0 to 1 or null; `fateOf` says kept, ghost or followed; below `closed` a gate is.
function wiringFigure(wiring, { gateOf, fateOf, state, describe, label, closed }) {
  const { nodes, arcs } = wiring;
  const places = new Map(nodes.map((node, place) => [node.name, place]));
  const drawing = shape("svg", { role: "listbox", tabindex: "0", "aria-label": label });
  const box = element("div", { class: "scroll plain" }, drawing);
  const order = nodes.flatMap((node, place) => [
    { node: place },
    ...arcs.flatMap((arc, number) => (arc.target === node.name ? [{ arc: number }] : [])),
  ]);
  const id = (thing) => (thing.arc === undefined ? `node-${thing.node}` : `arc-${thing.arc}`);
  const span = (number) => Math.abs(places.get(arcs[number].target) - places.get(arcs[number].source));
  let paths = [];
  let hits = [];
  let boxes = [];

  function draw(width) {
    const wide = width / nodes.length >= 84;
    const step = Math.max(29, (width - (wide ? 0 : 26)) / nodes.length);
    const [side, tall] = wide ? [Math.min(step * 0.72, 104), 42] : [Math.min(step * 0.62, 30), 16];
    const longest = Math.max(1, ...arcs.map((_, number) => span(number)));
    const most = clamped(width * 0.36, 150, 330);
    const floor = most + 12;
    const names = wide ? 8 : 14 + 6.1 * Math.min(14, Math.max(...nodes.map((node) => node.name.length)));
    const pad = wide ? 0 : 26;
    const whole = step * nodes.length + pad;
    drawing.setAttribute("width", whole);
    drawing.setAttribute("height", floor + tall + names);
    drawing.setAttribute("viewBox", `0 0 ${whole} ${floor + tall + names}`);
    const centre = (name) => pad + step * (places.get(name) + 0.5);
    const ends = attachments(side);
    const curves = arcs.map((arc, number) => {
      const from = centre(arc.source) + ends[number].from;
      const to = centre(arc.target) + ends[number].to;
      const height = (Math.max(20, most * (span(number) / longest) ** 0.8) * 4) / 3;
      return `M${from} ${floor}C${from + (to - from) * 0.08} ${floor - height} ${to - (to - from) * 0.08} ${floor - height} ${to} ${floor}`;
    });
    paths = arcs.map((arc, number) =>
      shape("path", {
        class: "arc",
        d: curves[number],
        id: `arc-${number}`,
        role: "option",
        "aria-selected": "false",
        "aria-label": describe({ arc: number }),
      }),
    );
    hits = arcs.map((arc, number) =>
      shape("path", { class: "hit", d: curves[number], "aria-hidden": "true", ...pointing({ arc: number }) }),
    );
    boxes = nodes.map((node, place) => {
      const x = centre(node.name);
      const parts = wide
        ? [
            shape("text", { x, y: floor + 18, "text-anchor": "middle" }, fitted(node.name, side, 6.6)),
            shape("text", { x, y: floor + 33, "text-anchor": "middle", class: "minor" }, fitted(node.gives, side, 6)),
          ]
        : [
            shape(
              "text",
              { x, y: floor + tall + 10, "text-anchor": "end", transform: `rotate(-58 ${x} ${floor + tall + 10})` },
              fitted(node.name, 92, 6.4),
            ),
          ];
      return shape(
        "g",
        {
          class: "node",
          id: `node-${place}`,
          role: "option",
          "aria-selected": "false",
          "aria-label": describe({ node: place }),
          ...pointing({ node: place }),
        },
        shape("rect", { x: x - side / 2, y: floor, width: side, height: tall, rx: wide ? 8 : 4 }),
        parts,
      );
    });
    drawing.replaceChildren(...paths, ...hits, ...boxes);
    show();
  }

  // Arcs that end at a layer do so on its left, those that begin on its right, nested so that they do not cross.
  function attachments(side) {
    const found = arcs.map(() => ({ from: 0, to: 0 }));
    for (const node of nodes) {
      const place = places.get(node.name);
      const into = arcs.flatMap((arc, number) => (arc.target === node.name ? [number] : []));
      const out = arcs.flatMap((arc, number) => (arc.source === node.name ? [number] : []));
      into.sort((one, other) => places.get(arcs[other].source) - places.get(arcs[one].source));
      out.sort((one, other) => places.get(arcs[other].target) - places.get(arcs[one].target));
      const gap = (count) => Math.min(7, (side / 2 - 4) / Math.max(1, count));
      into.forEach((number, rank) => {
        found[number].to = -side / 2 + 4 + rank * gap(into.length);
      });
      out.forEach((number, rank) => {
        found[number].from = side / 2 - 4 - (out.length - 1 - rank) * gap(out.length);
      });
      if (place === 0)
        out.forEach((number, rank) => {
          found[number].from = (rank - (out.length - 1) / 2) * gap(out.length) * 1.6;
        });
      if (place === nodes.length - 1)
        into.forEach((number, rank) => {
          found[number].to = (rank - (into.length - 1) / 2) * gap(into.length) * 1.6;
        });
    }
    return found;
  }

  function pointing(thing) {
    return {
      pointerenter: (event) => {
        if (event.pointerType === "mouse") state.set({ hovered: thing });
      },
      pointerleave: (event) => {
        if (event.pointerType === "mouse") state.set({ hovered: null });
      },
      click: () => state.set({ chosen: same(state.chosen, thing) ? null : thing }),
    };
  }

  drawing.addEventListener("keydown", (event) => {
    const at = order.findIndex((thing) => same(thing, state.chosen));
    const before = (at < 0 ? order.length : at) - 1;
    const to = {
      ArrowRight: at + 1,
      ArrowDown: at + 1,
      ArrowLeft: before,
      ArrowUp: before,
      Home: 0,
      End: order.length - 1,
    }[event.key];
    if (event.key === "Escape") state.set({ chosen: null });
    else if (to === undefined) return;
    else state.set({ chosen: order[(to + order.length) % order.length], hovered: null });
    event.preventDefault();
  });

  // The arcs that stand out from one another: all of few layers.
  function clear(gates, fates) {
    const all = arcs.map((_, number) => number);
    if (!hasManyLayers(wiring)) return new Set(all);
    const open = (number) => gates[number] ?? 1;
    return new Set(
      all
        .filter((number) => fates[number] === "kept" && open(number) >= closed)
        .sort((one, other) => open(other) - open(one) || span(one) - span(other))
        .slice(0, ARCS_PER_LAYER * (nodes.length - 2)),
    );
  }

  function show() {
    const thing = state.hovered ?? state.chosen;
    const fates = arcs.map((_, number) => fateOf(number));
    const gates = arcs.map((_, number) => gateOf(number));
    const drawn = clear(gates, fates);
    paths.forEach((path, number) => {
      const gate = gates[number];
      const arc = arcs[number];
      const kind = fates[number] !== "kept" ? fates[number] : gate === null ? "plain" : "";
      const near =
        thing &&
        (thing.arc === undefined ? [arc.source, arc.target].includes(nodes[thing.node].name) : thing.arc === number);
      const hidden = !near && !drawn.has(number);
      for (const part of [path, hits[number]]) part.style.display = hidden ? "none" : "";
      path.style.setProperty("--g", gate ?? 1);
      path.setAttribute(
        "class",
        ["arc", arc.backward ? "backward" : "", kind, near ? (thing.arc === number ? "chosen" : "near") : ""].join(" "),
      );
      path.setAttribute("aria-selected", String(same(state.chosen, { arc: number })));
    });
    boxes.forEach((node, place) => {
      const into = arcs.flatMap((arc, number) => (arc.target === nodes[place].name ? [fates[number]] : []));
      node.classList.toggle("ghost", into.length > 0 && into.every((fate) => fate !== "kept"));
      node.classList.toggle("chosen", thing?.node === place);
      node.setAttribute("aria-selected", String(same(state.chosen, { node: place })));
    });
    if (state.chosen) drawing.setAttribute("aria-activedescendant", id(state.chosen));
    else drawing.removeAttribute("aria-activedescendant");
  }

  drawn(box, draw);
  state.on(show);
  return { node: box, show };
}

const same = (one, other) => Boolean(one && other && one.arc === other.arc && one.node === other.node);
const fitted = (text, width, each) =>
  text.length * each <= width - 6 ? text : `${text.slice(0, Math.max(2, Math.floor((width - 6) / each) - 1))}…`;

function wiringLegend({ gated, most, cut, followed, plain, what }) {
  const line = (kind, gate) =>
    shape(
      "svg",
      { width: 34, height: 10, "aria-hidden": "true" },
      shape("path", { class: `arc ${kind}`, d: "M1 5H33", "--g": gate }),
    );
  return element(
    "div",
    { class: "legend" },
    gated
      ? element(
          "span",
          {},
          line("", 0.02),
          `${what} 0`,
          line("", 0.5),
          formats.short(most / 2),
          line("", 1),
          formats.short(most),
        )
      : null,
    plain ? element("span", {}, line("plain", 1), plain) : null,
    cut ? element("span", {}, line("ghost", 0), cut) : null,
    followed ? element("span", {}, line("followed", 0), followed) : null,
  );
}
