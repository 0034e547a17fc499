// What is known of the connection or the layer that is pointed at.
function describer(page) {
  const { wiring } = page;
  const rows = new Map(
    (page.document.connection_gates ?? page.document.votes ?? []).map((row) => [`${row.source}\n${row.target}`, row]),
  );
  const rowOf = (arc) => rows.get(`${arc.source}\n${arc.target}`);
  const nodeRows = (node) => {
    const into = wiring.arcs.filter((arc) => arc.target === node.name).length;
    const from = wiring.arcs.filter((arc) => arc.source === node.name).length;
    return [
      ["kind", node.kind],
      node.reads ? ["reads", `${node.reads} from ${plural(into, "connection")}`] : null,
      ["gives", node.gives],
      from ? ["is read by", plural(from, "connection")] : null,
      node.parameters === undefined ? null : ["parameters", formats.count(node.parameters)],
      node.macs === undefined ? null : ["MACs per image", formats.count(node.macs)],
    ];
  };
  return { rowOf, nodeRows };
}

// `arcRows` gives what else is known of a connection now.
function detailsPanel(page, state, arcRows) {
  const { wiring } = page;
  const { rowOf, nodeRows } = describer(page);
  const panel = element("div", { class: "details" });

  function show() {
    const thing = state.hovered ?? state.chosen;
    if (!thing) {
      panel.replaceChildren(
        element(
          "p",
          { class: "note" },
          "Point at a connection or a layer to see what it is; a click keeps it. With the keyboard: focus the drawing, then use the arrow keys; Escape lets go.",
        ),
      );
      return;
    }
    if (thing.arc === undefined) {
      const node = wiring.nodes[thing.node];
      panel.replaceChildren(element("h3", {}, node.name), pairs(nodeRows(node)));
      return;
    }
    const arc = wiring.arcs[thing.arc];
    const row = rowOf(arc);
    panel.replaceChildren(
      element("h3", {}, `${arc.source} → ${arc.target}`),
      pairs([
        arc.backward ? ["backward", "from the pass before"] : null,
        ...arcRows(thing.arc),
        ["feature maps", formats.count(arc.maps)],
        row?.share === undefined ? null : ["share of the merge", formats.share(row.share)],
        arc.macs === null ? null : ["MACs it brings", formats.count(arc.macs)],
      ]),
      ...barcode(thing.arc),
    );
  }

  // The gates of single feature maps at the end, one bar each.
  function barcode(number) {
    const place = page.history?.arcs.indexOf(number) ?? -1;
    const maps = place >= 0 ? page.history.maps?.[place] : undefined;
    if (!maps) return [];
    const each = clamped(Math.floor(640 / maps.length), 2, 12);
    const top = Math.max(1, ...maps);
    return [
      element("p", { class: "note" }, `Gates of its ${maps.length} feature maps at the end:`),
      element(
        "div",
        { class: "scroll plain" },
        shape(
          "svg",
          {
            class: "barcode",
            width: each * maps.length,
            height: 34,
            role: "img",
            "aria-label": `${maps.length} gates from ${formats.gate(Math.min(...maps))} to ${formats.gate(Math.max(...maps))}`,
          },
          maps.map((gate, at) =>
            shape("rect", {
              x: at * each,
              width: Math.max(1, each - 1),
              y: 32 - 30 * (gate / top) - 2,
              height: 2 + 30 * (gate / top),
              "--g": gate / top,
            }),
          ),
        ),
      ),
    ];
  }

  state.on(show);
  show();
  return panel;
}
