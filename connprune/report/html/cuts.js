// What the thresholds would cut: the slider, its numbers, the chart and the table.
function fateAt(page, state) {
  const { thresholds, wiring, history } = page;
  const place = new Map((history?.arcs ?? []).map((arc, number) => [arc, number]));
  const magnitude = (arc) => (place.has(arc) ? Math.abs(history.gate[place.get(arc)][state.epoch]) : null);
  const isLast = () => !history || state.epoch === history.epochs.length - 1;
  // The largest gate of a connection at the end, as exactly as it is known.
  const ends = new Map((page.document.connection_gates ?? []).map((row) => [`${row.source}\n${row.target}`, row.gate]));
  const endOf = (arc) => {
    const { source, target } = wiring.arcs[arc];
    const end = ends.get(`${source}\n${target}`);
    return end === null || end === undefined ? null : Math.abs(end);
  };
  return (arc) => {
    const row = thresholds?.rows[state.row];
    const beyond = thresholds && state.row === thresholds.rows.length;
    if (!row && !beyond) return "kept";
    const gate = isLast() ? endOf(arc) : magnitude(arc);
    if (beyond) return gate !== null && gate <= thresholds.limit ? "ghost" : "kept";
    if (!isLast()) return gate !== null && gate < row.threshold ? "ghost" : "kept";
    if (thresholds.left[state.row][arc] > 0) return "kept";
    return gate !== null && gate < row.threshold ? "ghost" : "followed";
  };
}

function cutControl(page, state) {
  const { thresholds } = page;
  const { rows } = thresholds;
  const last = rows.length - 1 + (thresholds.limit === null ? 0 : 1);
  const slider = element("input", {
    type: "range",
    id: "threshold",
    min: 0,
    max: last,
    step: 1,
    value: state.row,
    input: () => state.set({ row: slider.valueAsNumber }),
  });
  const output = element("output", { for: "threshold" });
  const said = element("p", { role: "status" });
  const numbers = element("div", {});

  function show() {
    const row = rows[state.row];
    slider.value = state.row;
    output.textContent = row ? formats.gate(row.threshold) : `> ${formats.gate(thresholds.limit)}`;
    const words = row
      ? sentence(page, state.row)
      : `A threshold above ${formats.gate(thresholds.limit)} would leave no path from the input to the head, so nothing can be cut there.`;
    slider.setAttribute("aria-valuetext", `${output.textContent}: ${words}`);
    said.textContent = words;
    const first = rows[0];
    const change = (value, whole) =>
      whole && value !== whole
        ? `${value < whole ? "−" : "+"}${formats.share(Number((Math.abs(value - whole) / whole).toFixed(3)))}`
        : "";
    numbers.replaceChildren(
      pairs([
        ...COUNTS.map(({ key, label }) => [
          `${label} left`,
          row ? formats.count(row[key]) : "–",
          key,
          row ? change(row[key], first[key]) : "",
        ]),
        thresholds.rows[0].validation_accuracy === undefined
          ? null
          : [
              "validation accuracy",
              row ? formats.percent(row.validation_accuracy) : "–",
              "validation_accuracy",
              row && state.row ? `${formats.points(row.validation_accuracy - first.validation_accuracy)} points` : "",
            ],
      ]),
    );
  }

  state.on(show);
  show();
  return element(
    "div",
    { class: "cut" },
    element(
      "div",
      { class: "control wide" },
      element("label", { for: "threshold" }, "Threshold of a cut"),
      output,
      slider,
    ),
    said,
    numbers,
  );
}

function sentence(page, number) {
  const { thresholds, wiring } = page;
  const left = thresholds.left[number];
  const gone = left.filter((maps) => maps === 0).length;
  const lost = left.reduce((sum, maps, arc) => sum + (maps ? wiring.arcs[arc].maps - maps : 0), 0);
  if (!gone && !lost) return "This cuts nothing.";
  const parts = gone ? [`removes ${plural(gone, "connection")}`] : [];
  if (lost) parts.push(`thins others by ${plural(lost, "feature map")}`);
  return `This ${parts.join(" and ")}.`;
}

function cutSection(page, state) {
  const { thresholds } = page;
  const { rows } = thresholds;
  const measured = rows[0].validation_accuracy !== undefined;
  const columns = [
    { key: "threshold", label: "threshold", write: formats.gate },
    ...COUNTS,
    ...(measured
      ? [
          { key: "validation_accuracy", label: "validation accuracy", write: formats.percent },
          { key: "validation_loss", label: "validation loss", write: formats.loss },
        ]
      : []),
  ];
  const parts = [];
  if (measured) parts.push(thresholdChart(page, state));
  parts.push(
    sortable("What each threshold would leave", columns, rows, {
      mark: (show) => {
        const now = () => show("now", state.row);
        state.on(now);
        now();
      },
    }),
  );
  return card(
    "What a cut would leave",
    element(
      "p",
      { class: "note" },
      measured
        ? "Each threshold was tried: the connections below it are removed, the rest keeps its weights, and the validation images are classified without any retraining. No test image was looked at."
        : `${thresholds.why ?? ""} The counts come from the gates alone.`,
    ),
    thresholds.same_data
      ? null
      : element(
          "p",
          { class: "note" },
          "The images have changed since the run was trained, so these accuracies may have too.",
        ),
    ...parts,
  );
}

function thresholdChart(page, state) {
  const { rows } = page.thresholds;
  const at = rows.map((row) => row.threshold);
  const above = at.filter((threshold) => threshold > 0);
  if (above.length < 2) return null;
  // Zero has no place on a logarithmic axis: it stands a little left of the smallest.
  const low = above[0] ** 1.06 / above[above.length - 1] ** 0.06;
  const share = (key) => rows.map((row) => row[key] / rows[0][key]);
  const series = [
    { name: "accuracy", values: rows.map((row) => row.validation_accuracy) },
    { name: "parameters", values: share("parameters"), kind: "second" },
    { name: "MACs", values: share("macs"), kind: "third" },
  ];
  const readout = element("p", { class: "readout" });
  const chart = lines({
    label:
      "Validation accuracy, and the share of parameters and MACs left, by threshold. Left and right keys move the threshold.",
    x: {
      low,
      high: above[above.length - 1],
      log: true,
      label: "threshold (the first is 0)",
      write: formats.short,
    },
    y: { low: 0, high: 1, label: "validation accuracy; share left", write: formats.share },
    at: at.map((threshold) => Math.max(threshold, low)),
    series,
    names: true,
    pick({ place, along }, how) {
      if (how === "key" && along) state.set({ row: clamped(state.row + along, 0, rows.length - 1) });
      else if (how === "click") state.set({ row: place });
      else if (how === "hover") say(place);
      else say(state.row);
    },
  });
  const say = (place) => {
    const row = rows[place];
    readout.textContent = row
      ? `threshold ${formats.gate(row.threshold)}: accuracy ${formats.percent(row.validation_accuracy)}, ${formats.count(row.parameters)} parameters, ${formats.count(row.macs)} MACs, ${plural(row.connections, "connection")}`
      : "";
  };
  const show = () => {
    chart.mark({ place: state.row < rows.length ? state.row : null });
    say(state.row);
  };
  state.on(show);
  show();
  return element("div", {}, chart.node, readout);
}
