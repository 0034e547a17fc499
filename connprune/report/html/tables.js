// A table whose headers sort it. A column is {key, label, write, text, value}; `value` gives what is sorted by.
function sortable(caption, columns, rows, { link = null, mark = null } = {}) {
  const body = element("tbody");
  const lines = rows.map((row, number) => {
    const line = element(
      "tr",
      {},
      columns.map((column) => {
        const written = column.cell ? column.cell(row) : (column.write ?? formats.text)(row[column.key]);
        return element("td", { class: column.text ? "text" : null }, written);
      }),
    );
    if (link) {
      line.addEventListener("pointerenter", () => link(number, row));
      line.addEventListener("pointerleave", () => link(null, row));
    }
    return { line, row, number };
  });
  const headers = columns.map((column, place) => {
    const arrow = element("span", { class: "arrow", "aria-hidden": "true" });
    const header = element(
      "th",
      { scope: "col", class: column.text ? "text" : null },
      element("button", { type: "button", click: () => sort(place) }, column.label, arrow),
    );
    return { header, arrow };
  });
  let sorted = { place: null, rising: true };

  function sort(place) {
    const column = columns[place];
    const first = Boolean(column.text);
    const rising = sorted.place === place ? !sorted.rising : first;
    sorted = { place, rising };
    const value = column.value ?? ((row) => row[column.key]);
    const order = [...lines].sort((one, other) => {
      const [a, b] = [value(one.row), value(other.row)];
      // What is missing comes last, whichever way.
      if (a === null || a === undefined) return b === null || b === undefined ? one.number - other.number : 1;
      if (b === null || b === undefined) return -1;
      const found = typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b;
      return (rising ? found : -found) || one.number - other.number;
    });
    body.append(...order.map((each) => each.line));
    headers.forEach(({ header, arrow }, number) => {
      arrow.textContent = number === place ? (rising ? "▲" : "▼") : "";
      if (number === place) header.setAttribute("aria-sort", rising ? "ascending" : "descending");
      else header.removeAttribute("aria-sort");
    });
  }

  body.append(...lines.map((each) => each.line));
  const node = element(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    element(
      "table",
      {},
      element("caption", {}, caption),
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          headers.map(({ header }) => header),
        ),
      ),
      body,
    ),
  );
  // Marks rows by their number before any sorting.
  const show = (name, number) => lines.forEach((each) => each.line.classList.toggle(name, each.number === number));
  if (mark) mark(show);
  return saying(node);
}

// What is wider or higher than its place says so, and where there is more.
function saying(node) {
  const words = element("p", { class: "more", "aria-hidden": "true" });
  const tell = () => {
    const across = node.scrollWidth - node.clientWidth - node.scrollLeft > 2;
    const down = node.scrollHeight - node.clientHeight - node.scrollTop > 2;
    const more = [across ? "→ more columns" : null, down ? "↓ more rows" : null].filter(Boolean);
    words.textContent = more.length ? `Scroll: ${more.join(", ")}` : "";
    words.hidden = node.scrollWidth - node.clientWidth < 3 && node.scrollHeight - node.clientHeight < 3;
  };
  node.addEventListener("scroll", tell, { passive: true });
  new ResizeObserver(tell).observe(node);
  new ResizeObserver(tell).observe(node.firstElementChild);
  return element("div", {}, node, words);
}
