// The wiring as a matrix: a row for each source, a column for each target, a cell for each connection.
function matrixFigure(wiring, { gateOf, fateOf, state, label }) {
  const { nodes, arcs } = wiring;
  const rows = new Map(nodes.slice(0, -1).map((node, place) => [node.name, place]));
  const columns = new Map(nodes.slice(1).map((node, place) => [node.name, place]));
  const drawing = shape("svg", { role: "img", "aria-label": label });
  const box = element("figure", { class: "scroll plain" }, drawing);
  let cells = [];

  function draw(width) {
    const longest = Math.min(14, Math.max(...nodes.map((node) => node.name.length)));
    const left = 14 + 6.4 * longest;
    const side = clamped((width - left) / columns.size, 13, 44);
    const [whole, tall] = [left + side * columns.size, left + side * rows.size + 4];
    drawing.setAttribute("width", whole);
    drawing.setAttribute("height", tall);
    drawing.setAttribute("viewBox", `0 0 ${whole} ${tall}`);
    const names = [...rows].map(([name, place]) =>
      shape("text", { x: left - 6, y: left + side * (place + 0.5) + 4, "text-anchor": "end" }, fitted(name, left, 6.4)),
    );
    const heads = [...columns].map(([name, place]) => {
      const x = left + side * (place + 0.5) + 4;
      return shape("text", { x, y: left - 6, transform: `rotate(-90 ${x} ${left - 6})` }, fitted(name, left, 6.4));
    });
    cells = arcs.map((arc, number) => {
      const x = left + side * columns.get(arc.target);
      const y = left + side * rows.get(arc.source);
      const middle = { x: x + side / 2, y: y + side / 2 + 4, "text-anchor": "middle" };
      return shape(
        "g",
        {
          pointerenter: (event) => {
            if (event.pointerType === "mouse") state.set({ hovered: { arc: number } });
          },
          pointerleave: (event) => {
            if (event.pointerType === "mouse") state.set({ hovered: null });
          },
          click: () => state.set({ chosen: same(state.chosen, { arc: number }) ? null : { arc: number } }),
        },
        shape("rect", { x: x + 0.75, y: y + 0.75, width: side - 1.5, height: side - 1.5, rx: 2 }),
        side >= 32 ? shape("text", middle) : null,
      );
    });
    drawing.replaceChildren(...names, ...heads, ...cells);
    show();
  }

  function show() {
    const thing = state.hovered ?? state.chosen;
    cells.forEach((cell, number) => {
      const gate = gateOf(number);
      const fate = fateOf(number);
      const chosen = thing?.arc === number ? "chosen" : "";
      const strong = fate === "kept" && gate > 0.5 ? "strong" : "";
      cell.style.setProperty("--g", gate ?? 0);
      cell.setAttribute(
        "class",
        ["cell", fate === "kept" ? "" : "ghost", gate === null ? "plain" : strong, chosen].join(" "),
      );
      const text = cell.querySelector("text");
      if (text)
        text.textContent = fate !== "kept" ? "×" : gate === null ? (arcs[number].gated ? "?" : "–") : gate.toFixed(2);
    });
  }

  drawn(box, draw);
  state.on(show);
  return { node: box };
}
