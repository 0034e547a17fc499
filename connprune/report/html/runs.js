// How far several runs agree.
function agreementSection(page) {
  const found = page.document;
  return card(
    "How far the runs agree",
    element(
      "p",
      { class: "note" },
      `Which gates close was decided after epoch ${found.decided_epochs.map((epoch, run) => `${epoch} of ${found.epochs[run]}`).join(", ")}.`,
    ),
    element(
      "div",
      { class: "columns" },
      matrix("Overlap of what is kept (Jaccard)", page.names, found.jaccard, 0),
      matrix("Correlation of the final gates", page.names, found.correlation, -1),
    ),
  );
}

function matrix(caption, names, values, low) {
  const numbered = names.map((_, number) => `${number + 1}`);
  return saying(
    element(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
      element(
        "table",
        { class: "matrix" },
        element("caption", {}, caption),
        element(
          "thead",
          {},
          element(
            "tr",
            {},
            element("th", { scope: "col" }, "run"),
            numbered.map((number) => element("th", { scope: "col" }, number)),
          ),
        ),
        element(
          "tbody",
          {},
          values.map((row, number) =>
            element(
              "tr",
              {},
              element("th", { scope: "row" }, `${numbered[number]}  ${names[number]}`),
              row.map((value) => {
                const share = value === null ? 0 : (value - low) / (1 - low);
                return element(
                  "td",
                  { "--g": clamped(share, 0, 1), class: share > 0.55 ? "strong" : null },
                  value === null ? "–" : value.toFixed(2),
                );
              }),
            ),
          ),
        ),
      ),
    ),
  );
}

function votesTable(page, state) {
  const { document: found, wiring } = page;
  const runs = found.runs.length;
  const number = new Map(wiring.arcs.map((arc, place) => [`${arc.source}\n${arc.target}`, place]));
  const arcOf = (row) => number.get(`${row.source}\n${row.target}`);
  const columns = [
    { key: "source", label: "source", text: true },
    { key: "target", label: "target", text: true },
    {
      key: "kept_by",
      label: "kept by",
      cell: (row) =>
        element(
          "span",
          {},
          `${row.kept_by} of ${runs}`,
          element("span", { class: "meter", "aria-hidden": "true" }, element("span", { "--g": row.kept_by / runs })),
        ),
    },
    { key: "mean", label: "mean gate", write: formats.gate },
    { key: "final_std", label: "std", write: formats.gate },
    { key: "mean_path_std", label: "std on the way", write: formats.gate },
    { key: "largest_path_std", label: "largest std", write: formats.gate },
    ...found.runs.map((_, run) => ({ key: `run${run}`, label: `run ${run + 1}`, write: formats.gate })),
  ];
  const rows = found.votes.map((row) => ({
    ...row,
    mean: row.gates.reduce((sum, gate) => sum + gate, 0) / runs,
    ...Object.fromEntries(row.gates.map((gate, run) => [`run${run}`, gate])),
  }));
  return card(
    "Connections",
    element(
      "p",
      { class: "note" },
      "Std is the standard deviation between runs: of the final gates, and on the average and at most over the epochs.",
    ),
    sortable("Connections, and which runs keep them", columns, rows, {
      link: (place, row) => state.set({ hovered: place === null ? null : { arc: arcOf(row) } }),
      mark: (show) =>
        state.on(() =>
          show(
            "chosen",
            rows.findIndex((row) => arcOf(row) === state.chosen?.arc),
          ),
        ),
    }),
  );
}
