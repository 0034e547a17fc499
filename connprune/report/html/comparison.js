// A cut beside others: accuracy against costs, and the tables.
function comparisonSection(page, state) {
  const { comparison } = page;
  const rows = comparison.rows.map((row) => ({
    ...row,
    low: row.difference?.low ?? null,
    high: row.difference?.high ?? null,
    gain: row.difference?.mean ?? null,
    verdict: row.difference?.verdict ?? null,
    at1: row.latency_seconds?.["1"] ?? null,
    at256: row.latency_seconds?.["256"] ?? null,
  }));
  const { unit, costs, fronts } = page.chart;
  const points = (cost) =>
    page.chart.points.map((point) => ({
      name: point.name,
      network: point.network,
      faint: point.is_one_of_several,
      isOurs: point.network === "cut",
      x: point[cost],
      y: point.accuracy,
      error: point.std ?? 0,
      text: `${formats.percent(point.accuracy)} test accuracy${point.std === null ? "" : ` ± ${(point.std * 100).toFixed(2)} points over ${point.repetitions} ${unit}`}, ${formats.count(point[cost])} ${costs[cost]}`,
    }));
  let [cost] = Object.keys(costs);
  let shown = points(cost);
  const readout = element("p", { class: "readout", "aria-live": "polite" });
  const chart = scatter({
    label: "Test accuracy against cost. Arrow keys step through the networks.",
    x: { label: costs[cost], write: formats.short },
    y: { label: "test accuracy", write: formats.share },
    points: shown,
    front: fronts[cost],
    choose(number, keep) {
      const at = number ?? shown.findIndex((point) => point.network === state.network);
      say(at);
      if (keep && number !== null) state.set({ network: shown[number].network });
    },
  });
  const say = (number) => {
    chart.mark(number < 0 ? null : number);
    readout.textContent = number < 0 ? "" : `${shown[number].name}: ${shown[number].text}`;
  };
  const settle = () => say(shown.findIndex((point) => point.network === state.network));
  const choice = element(
    "fieldset",
    { class: "options" },
    element("legend", {}, "Cost"),
    Object.entries(costs).map(([key, label]) =>
      element(
        "label",
        {},
        element("input", {
          type: "radio",
          name: "cost",
          value: key,
          checked: key === cost,
          change: () => {
            cost = key;
            shown = points(cost);
            chart.replace({ points: shown, front: fronts[cost], x: { label, write: formats.short } });
            settle();
          },
        }),
        label,
      ),
    ),
  );
  const link = {
    link: (number, row) => {
      const at = number === null ? -1 : shown.findIndex((point) => point.network === row.network && !point.faint);
      if (at >= 0) say(at);
      else settle();
    },
    mark: (show) =>
      state.on(() =>
        show(
          "chosen",
          rows.findIndex((row) => row.network === state.network),
        ),
      ),
  };
  state.on(settle);
  settle();
  const note = `Each mark is a network's mean over the ${unit}, its line one standard deviation up and down; small rings are single networks of a row. The diamond is the cut. The dashed line joins what no other beats in both accuracy and cost (the Pareto front); the front does not know how sure the means are, the intervals below do.`;
  return [
    card(
      "The cut and its baselines",
      element("p", { class: "note" }, note),
      choice,
      chart.node,
      readout,
      ...tables(comparison, rows, unit, link),
    ),
    rows.length > 1 ? parallelSection(rows, MEASURES, state) : null,
  ];
}

const TIMES = [
  { key: "at1", label: "latency (ms, batch 1)", write: formats.milliseconds },
  { key: "at256", label: "latency (ms, batch 256)", write: formats.milliseconds },
  { key: "training_seconds", label: "training seconds", write: formats.seconds },
];
const MEASURES = [
  { key: "validation_accuracy", label: "validation accuracy", write: formats.percent },
  { key: "test_accuracy", label: "test accuracy", write: formats.percent },
  ...COUNTS,
  ...TIMES,
];

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
function tables(comparison, rows, unit, link) {
  const network = { key: "network", label: "network", text: true };
  const starts = rows.some(({ start }) => start && start !== "scratch");
  const results = [
    network,
    ...(starts ? [{ key: "start", label: "start", text: true }] : []),
    { key: "count", label: "networks", write: formats.count },
    { key: unit, label: unit, write: formats.count },
    { key: "validation_accuracy", label: "validation", write: formats.percent },
    { key: "test_accuracy", label: "test", write: formats.percent },
    { key: "test_std", label: "std (points)", write: orDash((value) => (value * 100).toFixed(2)) },
    { key: "gain", label: "cut − baseline", write: formats.points },
    { key: "low", label: "95% from", write: formats.points },
    { key: "high", label: "to", write: formats.points },
    { key: "verdict", label: "verdict of the cut", text: true },
  ];
  const costs = [network, ...COUNTS.filter(({ key }) => key in rows[0]), ...TIMES];
  const trainings = rows.flatMap((row) =>
    row.networks.flatMap((network) =>
      network.runs.map((run) => ({ ...run, network: network.name, connections: network.connections })),
    ),
  );
  return [
    element(
      "p",
      { class: "note" },
      `Differences are in points of test accuracy: the ${comparison.method}. Std is the standard deviation over ${unit}.`,
    ),
    sortable("Results", results, rows, link),
    sortable("Costs", costs, rows, link),
    sortable(
      "Trainings",
      [
        network,
        { key: "seed", label: "seed", write: String },
        { key: "validation_accuracy", label: "validation", write: formats.percent },
        { key: "test_accuracy", label: "test", write: formats.percent },
        { key: "training_seconds", label: "seconds", write: formats.seconds },
      ],
      trainings,
    ),
  ];
}
