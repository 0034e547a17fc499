// Loss and accuracy over the epochs, every gate over the epochs, and the table of epochs.
const KNOWN = {
  train_loss: ["training loss", formats.loss],
  train_accuracy: ["training accuracy", formats.percent],
  validation_loss: ["validation loss", formats.loss],
  validation_accuracy: ["validation accuracy", formats.percent],
  gates_closed: ["gates closed", formats.count],
  rate: ["learning rate", (value) => formats.text(Number(value.toPrecision(4)))],
  gate_rate: ["learning rate of the gates", (value) => formats.text(Number(value.toPrecision(4)))],
  penalty: ["penalty", (value) => formats.text(Number(value.toPrecision(4)))],
  temperature: ["temperature", (value) => formats.text(Number(value.toPrecision(4)))],
  epoch_seconds: ["seconds", formats.seconds],
  images_per_second: ["images a second", formats.count],
};

// Where in the metrics the replay is.
function metricAt(page, state) {
  if (!page.history) return state.metric;
  const epoch = page.history.epochs[state.epoch];
  const found = page.metrics.findIndex((row) => row.epoch >= epoch);
  return epoch === 0 || found < 0 ? null : found;
}

function goTo(page, state, metric) {
  const place = clamped(metric, 0, page.metrics.length - 1);
  if (!page.history) return state.set({ metric: place });
  const found = page.history.epochs.findIndex((epoch) => epoch >= page.metrics[place].epoch);
  return state.set({ epoch: found < 0 ? page.history.epochs.length - 1 : found });
}

function trainingSection(page, state) {
  const { metrics } = page;
  const at = metrics.map((row) => row.epoch);
  const readout = element("p", { class: "readout", "aria-live": "polite" });
  const say = (place) => {
    const row = place === null ? null : metrics[place];
    readout.textContent = row
      ? `epoch ${row.epoch}: loss ${formats.loss(row.train_loss)} in training, ${formats.loss(row.validation_loss)} in validation; accuracy ${formats.percent(row.train_accuracy)} and ${formats.percent(row.validation_accuracy)}`
      : "epoch 0: before the first";
  };
  const curve = (name, keys, write, limits) => {
    const series = [
      ["validation", keys[1]],
      ["training", keys[0]],
    ].map(([label, key], number) => ({
      name: label,
      values: metrics.map((row) => row[key] ?? null),
      kind: number ? "second" : "",
    }));
    const chart = lines({
      label: `${name} over the epochs. Left and right keys step through them.`,
      x: {
        low: at[0],
        high: at.length > 1 ? at[at.length - 1] : at[0] + 1,
        label: "epoch",
        write: formats.count,
        whole: true,
      },
      y: { ...limits, label: name, write },
      at,
      series,
      height: 220,
      names: true,
      pick({ place, along }, how) {
        if (how === "key" && along) goTo(page, state, (metricAt(page, state) ?? -1) + along);
        else if (how === "click") goTo(page, state, place);
        else say(how === "hover" ? place : metricAt(page, state));
      },
    });
    const show = () => chart.mark({ place: metricAt(page, state) });
    state.on(show);
    show();
    return chart.node;
  };
  const settle = () => say(metricAt(page, state));
  state.on(settle);
  settle();
  return card(
    "Training",
    element(
      "div",
      { class: "columns" },
      curve("loss", ["train_loss", "validation_loss"], formats.short, { low: 0 }),
      curve("accuracy", ["train_accuracy", "validation_accuracy"], formats.share, {}),
    ),
    readout,
    epochTable(page, state),
  );
}

function epochTable(page, state) {
  const present = Object.keys(page.metrics[0]).filter(
    (key) => key !== "epoch" && page.metrics.some((row) => typeof row[key] === "number"),
  );
  const keys = [
    ...Object.keys(KNOWN).filter((key) => present.includes(key)),
    ...present.filter((key) => !(key in KNOWN)),
  ];
  const columns = [
    { key: "epoch", label: "epoch", write: formats.count },
    ...keys.map((key) => ({ key, label: KNOWN[key]?.[0] ?? key, write: orDash(KNOWN[key]?.[1] ?? String) })),
  ];
  return sortable("Epochs", columns, page.metrics, {
    mark: (show) => {
      const now = () => show("now", metricAt(page, state));
      state.on(now);
      now();
    },
  });
}

function gateSection(page, state, title, note) {
  const { history, wiring } = page;
  const values = history.mean ?? history.gate;
  const top = Math.max(1e-9, ...values.map((each) => largest(each.map(Math.abs))));
  const most = Math.max(1, top);
  const series = values.map((each, place) => ({
    name: `${wiring.arcs[history.arcs[place]].source} → ${wiring.arcs[history.arcs[place]].target}`,
    values: each,
    kind: "gate",
    g: Math.abs(each[each.length - 1]) / most,
  }));
  const readout = element("p", { class: "readout" });
  const arcOf = (number) => (number === null ? null : { arc: history.arcs[number] });
  const chart = lines({
    label: "Every gate over the epochs. Up and down keys choose a connection, left and right keys an epoch.",
    x: { low: 0, high: Math.max(1, history.last), label: "epoch", write: formats.count, whole: true },
    y: {
      low: 0,
      high: most,
      label: history.mean ? "mean gate of a connection's feature maps" : "gate",
      write: formats.short,
    },
    at: history.epochs,
    series,
    height: 320,
    pick({ place, found, along, among }, how) {
      if (how === "key" && along) state.set({ epoch: clamped(state.epoch + along, 0, history.epochs.length - 1) });
      else if (how === "key") {
        const now = state.chosen?.arc === undefined ? -1 : history.arcs.indexOf(state.chosen.arc);
        const from = now < 0 && among < 0 ? 0 : now;
        state.set({ chosen: arcOf((from + among + series.length) % series.length), hovered: null });
      } else if (how === "click") state.set({ epoch: place, ...(found === null ? {} : { chosen: arcOf(found) }) });
      else state.set({ hovered: how === "hover" ? arcOf(found) : null });
    },
  });
  const log = element("input", { type: "checkbox", id: "log", change: () => chart.rescale({ log: log.checked }) });

  function show() {
    const row = page.thresholds?.rows[state.row];
    const thing = state.hovered ?? state.chosen;
    const number = thing?.arc === undefined ? -1 : history.arcs.indexOf(thing.arc);
    const node = thing?.node === undefined ? null : wiring.nodes[thing.node].name;
    chart.mark({
      place: state.epoch,
      floor: row?.threshold ? row.threshold : null,
      band: number >= 0 && history.low ? { low: history.low[number], high: history.high[number] } : null,
      classes: (each) => {
        const arc = wiring.arcs[history.arcs[each]];
        if (each === number || (node && (arc.source === node || arc.target === node))) return "chosen";
        return row && page.thresholds.left[state.row][history.arcs[each]] === 0 ? "ghost" : "";
      },
    });
    readout.textContent =
      number < 0
        ? ""
        : `${series[number].name}: ${formats.gate(values[number][state.epoch])} at epoch ${history.epochs[state.epoch]}, ${formats.gate(values[number].at(-1))} at the end`;
  }

  state.on(show);
  show();
  return card(
    title,
    element("p", { class: "note" }, note),
    element("div", { class: "options" }, element("label", { for: "log" }, log, "logarithmic")),
    chart.node,
    readout,
  );
}
