// Puts the page together from what the data have.
function themeButton() {
  const button = document.getElementById("theme");
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme ?? (prefersDark.matches ? "dark" : "light")) === "dark";
  const name = () => {
    button.textContent = isDark() ? "Light colours" : "Dark colours";
  };
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    name();
  });
  prefersDark.addEventListener("change", name);
  name();
}

function wiringSection(page, state) {
  const { wiring, history, thresholds } = page;
  const place = new Map((history?.arcs ?? []).map((arc, number) => [arc, number]));
  const values = history ? (history.mean ?? history.gate) : [];
  const most = Math.max(1, ...values.map((each) => largest(each.map(Math.abs))));
  const gateOf = (arc) => (place.has(arc) ? Math.abs(values[place.get(arc)][state.epoch]) / most : null);
  const fateOf = page.names
    ? keptByRuns(page)
    : page.wirings
      ? (arc) => (page.wirings[state.network]?.[arc] === 0 ? "ghost" : "kept")
      : wiring.left
        ? removed(page)
        : fateAt(page, state);
  const rowOf = describer(page).rowOf;
  const arcRows = (arc) => gateRows(page, state, arc, rowOf, fateOf(arc), place);
  const describe = (thing) => {
    if (thing.node !== undefined) {
      const node = wiring.nodes[thing.node];
      return `${node.name}: ${node.kind}, gives ${node.gives}`;
    }
    const { source, target } = wiring.arcs[thing.arc];
    const number = place.get(thing.arc);
    return `${source} to ${target}${number === undefined ? "" : `, gate ${formats.gate(values[number].at(-1))} at the end`}`;
  };
  const figure = wiringFigure(wiring, {
    gateOf,
    fateOf,
    state,
    describe,
    closed: history ? history.threshold / most : 0,
    label: "Wiring: layers and connections. Arrow keys step through them.",
  });
  const matrix = matrixFigure(wiring, {
    gateOf,
    fateOf,
    state,
    label: "The same as a matrix: a row for each source, a column for each target.",
  });
  const folded = (title, node) => element("details", {}, element("summary", {}, title), node);
  // Of many layers arcs are a hairball; the matrix keeps every connection apart.
  const drawings = hasManyLayers(wiring)
    ? [matrix.node, folded("As arcs", element("div", {}, element("p", { class: "note" }, FILTERED), figure.node))]
    : [figure.node, folded("As a matrix", matrix.node)];
  const controls = [
    page.wirings ? networkChoice(page, state) : null,
    history ? replay(history, state, (epoch) => epochRows(page, epoch)) : null,
    thresholds ? cutControl(page, state) : null,
  ].filter(Boolean);
  const legend = wiringLegend({
    gated: Boolean(history),
    plain: plainLabel(page),
    most,
    what: page.names || history?.mean ? "mean gate" : "gate",
    cut: page.names
      ? "kept by no run"
      : thresholds
        ? "below the threshold"
        : page.wirings
          ? "not in this network"
          : wiring.left
            ? "removed"
            : null,
    followed:
      thresholds || (page.cut?.followed.length && page.cut.granularity === "connection")
        ? "leads nowhere after the cut"
        : null,
  });
  return card(
    "Wiring",
    element("p", { class: "note" }, wiringNote(page)),
    drawings[0],
    legend,
    drawings[1],
    controls.length ? element("div", { class: "columns" }, controls) : null,
    detailsPanel(page, state, arcRows),
  );
}

// What an arc that is drawn without a gate's value is.
function plainLabel({ wiring, history, document }) {
  if (!history && wiring.arcs.some((arc) => arc.gated))
    return document.kind === "architecture" ? "gates are not trained yet" : "gates are not known here";
  return wiring.arcs.some((arc) => !arc.gated) || !history ? "without a gate" : null;
}

function wiringNote(page) {
  const { history } = page;
  const parts = [
    hasManyLayers(page.wiring)
      ? "Data flow from the row's layer to the column's; a cell is a connection."
      : "Data flow from left to right; an arc is a connection.",
  ];
  if (history)
    parts.push(
      page.names
        ? "The stronger its colour, the larger the mean of its gate over the runs."
        : "The stronger its colour, the larger its gate.",
    );
  if (history?.mean)
    parts.push(
      `Each feature map has a gate of its own: an arc shows their mean; open are those of at least ${history.threshold}.`,
    );
  if (history && history.epochs.length <= history.last)
    parts.push(
      `Of ${formats.count(history.last)} epochs ${formats.count(history.epochs.length - 1)} are shown, to keep the page light.`,
    );
  if (history) parts.push("Gates over the epochs are rounded to four digits.");
  if (page.names && new Set(page.document.epochs).size > 1) parts.push("They go up to the end of the shortest run.");
  if (page.wiring.left)
    parts.push(`${history ? "Gates and layers" : "The layers"} are ${page.wiring.whose}; what was cut is dotted.`);
  if (page.wirings) parts.push("What a network does not have of the parent's connections is dotted.");
  return parts.join(" ");
}

function keptByRuns(page) {
  const votes = new Map(page.document.votes.map((row) => [`${row.source}\n${row.target}`, row.kept_by]));
  return (arc) =>
    votes.get(`${page.wiring.arcs[arc].source}\n${page.wiring.arcs[arc].target}`) === 0 ? "ghost" : "kept";
}

function removed(page) {
  // Of single feature maps the report does not say why a whole connection went.
  const followed = new Set(page.cut?.granularity === "connection" ? page.cut.followed : []);
  return (arc) => {
    if (page.wiring.left[arc] > 0) return "kept";
    const { source, target } = page.wiring.arcs[arc];
    return followed.has(`${source}->${target}`) ? "followed" : "ghost";
  };
}

function gateRows(page, state, arc, rowOf, fate, place) {
  const { history, wiring } = page;
  const number = place.get(arc);
  const row = rowOf(wiring.arcs[arc]);
  const rows = [];
  if (number === undefined) rows.push(wiring.arcs[arc].gated || !history ? null : ["gate", "none: always open"]);
  else {
    const epoch = `at epoch ${history.epochs[state.epoch]}`;
    if (history.mean)
      rows.push(
        [`mean gate ${epoch}`, formats.gate(history.mean[number][state.epoch]), "mean"],
        [`open feature maps ${epoch}`, formats.share(history.open[number][state.epoch]), "open"],
      );
    rows.push([
      `${page.names ? "mean gate" : history.mean ? "largest gate" : "gate"} ${epoch}`,
      formats.gate(history.gate[number][state.epoch]),
      "gate",
    ]);
    if (history.low)
      rows.push([
        "smallest and largest of the runs",
        `${formats.gate(history.low[number][state.epoch])} to ${formats.gate(history.high[number][state.epoch])}`,
      ]);
  }
  if (row?.gated)
    rows.push(
      ["at the start, at the end", `${formats.gate(row.start)}, ${formats.gate(row.gate)}`],
      ["smallest, largest", `${formats.gate(row.smallest)}, ${formats.gate(row.largest)}`],
    );
  if (row?.gates)
    rows.push(
      ["gates of the runs", row.gates.map(formats.gate).join(", ")],
      ["kept by", `${row.kept_by} of ${page.document.runs.length} runs`],
    );
  if (page.strengths && number !== undefined)
    rows.push(["strength (gate × weights)", formats.gate(page.strengths[number])]);
  const left = page.thresholds
    ? page.thresholds.left[state.row]?.[arc]
    : (page.wirings?.[state.network] ?? wiring.left)?.[arc];
  if (left !== undefined && fate === "kept" && left > 0 && left < wiring.arcs[arc].maps)
    rows.push(["after the cut", `${left} of its ${wiring.arcs[arc].maps} feature maps`]);
  if (fate === "ghost")
    rows.push([
      page.wirings ? "this network" : "the cut",
      page.names
        ? "would remove it in every run"
        : page.thresholds
          ? "removes it: below the threshold"
          : page.wirings
            ? "is without it"
            : "removed it",
    ]);
  if (fate === "followed") rows.push(["the cut", "removes it: nothing reaches it, or nothing reads it any more"]);
  return rows;
}

function epochRows(page, place) {
  const { history } = page;
  const metric = page.metrics?.find((row) => row.epoch === history.epochs[place]);
  const rows = [
    [
      `${page.names ? "mean gates" : "gates"} below ${history.threshold}`,
      `${history.closed[place]} of ${history.gate.length}`,
      "gates_closed",
    ],
  ];
  if (history.open)
    rows.push(["open feature maps", formats.share(mean(history.open.map((each) => each[place]))), "open"]);
  if (page.metrics?.length) {
    rows.push(
      ["validation accuracy", formats.percent(metric?.validation_accuracy), "epoch_validation_accuracy"],
      ["validation loss", formats.loss(metric?.validation_loss), "epoch_validation_loss"],
      ["training loss", formats.loss(metric?.train_loss), "epoch_train_loss"],
    );
  }
  return rows;
}

function networkChoice(page, state) {
  const select = element(
    "select",
    { id: "network", change: () => state.set({ network: select.value }) },
    Object.keys(page.wirings).map((name) => element("option", { value: name }, name)),
  );
  const said = element("p", { class: "note" });
  const show = () => {
    const left = Object.hasOwn(page.wirings, state.network) ? page.wirings[state.network] : null;
    select.value = left ? state.network : "";
    said.textContent = left
      ? `${plural(left.filter(Boolean).length, "connection")} of the parent's ${left.length}.`
      : `Not one network, or not shown: ${state.network}. Choose one to see its wiring.`;
  };
  state.on(show);
  show();
  return element(
    "div",
    {},
    element("div", { class: "options" }, element("label", { for: "network" }, "Network"), select),
    said,
  );
}

function connectionTable(page, state) {
  const { document: found, wiring, history } = page;
  const number = new Map(wiring.arcs.map((arc, at) => [`${arc.source}\n${arc.target}`, at]));
  const arcOf = (row) => number.get(`${row.source}\n${row.target}`);
  const strengthOf = new Map((page.strengths ?? []).map((strength, at) => [history.arcs[at], strength]));
  const rows = found.connection_gates.map((row) => {
    const arc = arcOf(row);
    const place = history && !wiring.left ? history.arcs.indexOf(arc) : -1;
    return {
      ...row,
      macs: wiring.arcs[arc]?.macs ?? null,
      maps: wiring.left?.[arc] ?? wiring.arcs[arc]?.maps ?? null,
      strength: strengthOf.get(arc) ?? null,
      mean: history?.mean?.[place]?.at(-1) ?? null,
      open: history?.open?.[place]?.at(-1) ?? null,
    };
  });
  const gated = rows.some((row) => row.gate !== null);
  const columns = [
    { key: "source", label: "source", text: true },
    { key: "target", label: "target", text: true },
    ...(gated ? [{ key: "gate", label: history?.mean ? "largest gate" : "gate", write: formats.gate }] : []),
    ...(history?.mean && !wiring.left
      ? [
          { key: "mean", label: "mean gate", write: formats.gate },
          { key: "open", label: "open", write: formats.share },
        ]
      : []),
    ...(gated
      ? [
          ["start", "start"],
          ["smallest", "smallest"],
          ["largest", "largest"],
        ].map(([key, label]) => ({ key, label, write: formats.gate }))
      : []),
    { key: "share", label: "share of the merge", write: formats.share },
    { key: "maps", label: "feature maps", write: formats.count },
    ...(wiring.left || !gated ? [] : [{ key: "macs", label: "MACs it brings", write: formats.count }]),
    ...(page.strengths ? [{ key: "strength", label: "strength", write: formats.gate }] : []),
  ];
  return card(
    "Connections",
    page.strengths
      ? element(
          "p",
          { class: "note" },
          "Strength is the gate times the norm of the weights that read the connection. Gate and weights can trade scale, so neither is the truth about importance.",
        )
      : null,
    sortable("Every connection", columns, rows, {
      link: (at, row) => state.set({ hovered: at === null || arcOf(row) === undefined ? null : { arc: arcOf(row) } }),
      mark: (show) =>
        state.on(() =>
          show(
            "chosen",
            rows.findIndex((row) => arcOf(row) === state.chosen?.arc && state.chosen?.arc !== undefined),
          ),
        ),
    }),
  );
}

function layerTable(page) {
  const columns = [
    { key: "target", label: "layer", text: true },
    { key: "kind", label: "kind", text: true },
    { key: "count", label: "connections", write: formats.count },
    { key: "reads", label: "reads", value: (row) => row.feature_maps * row.height * row.width },
    { key: "gives", label: "gives" },
    { key: "parameters", label: "parameters", write: formats.count },
    { key: "macs", label: "MACs", write: formats.count },
  ];
  return card(
    "Layers",
    element("p", { class: "note" }, "17@8 is a shape: 17 feature maps of 8×8."),
    sortable(
      "Layers, what they read and give, and what they cost",
      columns,
      page.document.targets.map((row) => ({ ...row, count: row.sources.length })),
    ),
  );
}

function classTable(page) {
  const columns = [
    { key: "name", label: "class", text: true },
    ...["train", "validation", "test"].map((key) => ({ key, label: `${key} images`, write: formats.count })),
    { key: "test_accuracy", label: "test accuracy", write: formats.percent },
  ];
  return card(
    "Classes",
    sortable(
      "The images of each class, and what share of its test images is right after the last epoch",
      columns,
      page.document.summary.per_class,
    ),
  );
}

function cutReport(page) {
  const { cut } = page;
  const rows = [
    { network: "parent", ...cut.before },
    { network: "cut", ...cut.after },
  ];
  const list = (title, names) =>
    names.length
      ? element(
          "details",
          {},
          element("summary", {}, `${title}: ${names.length}`),
          element("p", { class: "note" }, names.join(", ")),
        )
      : null;
  return card(
    "The cut",
    element("p", {}, `Rule: ${cut.rule}, by ${cut.by}. No retraining yet: the weights are the parent's.`),
    sortable(
      "Parent and cut",
      [
        { key: "network", label: "network", text: true },
        ...COUNTS,
        { key: "validation_accuracy", label: "validation", write: formats.percent },
        { key: "test_accuracy", label: "test", write: formats.percent },
      ],
      rows,
    ),
    list(
      cut.granularity === "connection"
        ? "Connections that the rule chose"
        : "Feature maps of connections that the rule chose",
      cut.chosen,
    ),
    list(
      cut.granularity === "connection" ? "Connections that then led nowhere" : "Connections of which nothing is left",
      cut.followed,
    ),
    list("Layers that went", cut.removed_layers),
  );
}

function assemble(page) {
  const main = document.getElementById("main");
  const state = observed({
    epoch: (page.history?.epochs.length ?? 1) - 1,
    metric: (page.metrics?.length ?? 1) - 1,
    row: 0,
    hovered: null,
    chosen: null,
    network: page.wirings ? Object.keys(page.wirings)[0] : "cut",
  });
  const add = (...sections) => main.append(...sections.filter(Boolean));
  if (page.comparison) add(...comparisonSection(page, state));
  if (page.wiring) add(wiringSection(page, state));
  if (page.cut) add(cutReport(page));
  if (page.document.kind === "run-agreement") add(agreementSection(page));
  if (page.thresholds) add(cutSection(page, state));
  if (page.history) {
    add(
      gateSection(
        page,
        state,
        "Gates over training",
        page.names
          ? "The mean of each gate over the runs; of the connection that is chosen, the band from the smallest to the largest."
          : "A line is a connection; its colour is that of the gate at the end. Choosing one chooses it in the wiring too.",
      ),
    );
  }
  if (page.metrics?.length) add(trainingSection(page, state));
  if (page.document.summary?.per_class?.length) add(classTable(page));
  if (page.document.kind === "run-agreement") add(votesTable(page, state));
  if (page.document.targets) add(connectionTable(page, state), layerTable(page));
}

themeButton();
assemble(data.document.kind === "comparison" ? { ...data, comparison: data.document } : data);
