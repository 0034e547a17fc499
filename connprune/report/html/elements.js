// Elements from data: what comes from a run is text and never markup.
const data = JSON.parse(document.getElementById("data").textContent);

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else if (name.startsWith("--")) node.style.setProperty(name, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

const element = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);
const shape = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

const counting = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
// As Python rounds what stands in the tiles and tables of the command line.
const percentage = new Intl.NumberFormat("en", {
  style: "percent",
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
  roundingMode: "halfEven",
});
const roughly = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 2 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

const orDash = (write) => (value) => (value === null || value === undefined ? "–" : write(value));
const formats = {
  text: orDash(String),
  count: orDash((value) => counting.format(value)),
  percent: orDash((value) => percentage.format(value)),
  share: orDash((value) => roughly.format(Number(value.toPrecision(4)))),
  gate: orDash((value) => (value === 0 ? "0" : Math.abs(value) < 0.001 ? value.toExponential(2) : value.toFixed(4))),
  loss: orDash((value) => (Math.abs(value) < 0.001 && value !== 0 ? value.toExponential(2) : value.toFixed(4))),
  seconds: orDash((value) => value.toFixed(1)),
  milliseconds: orDash((value) => (value * 1000).toFixed(2)),
  points: orDash((value) => (value >= 0 ? "+" : "−") + Math.abs(value * 100).toFixed(2)),
  short: orDash((value) =>
    value !== 0 && Math.abs(value) < 0.001 ? Number(value.toPrecision(3)).toExponential() : short.format(value),
  ),
};

// A column for each count of a network.
const COUNTS = Object.entries(data.counts).map(([key, label]) => ({ key, label, write: formats.count }));

const clamped = (value, low, high) => Math.min(high, Math.max(low, value));
const plural = (count, word) => `${formats.count(count)} ${word}${count === 1 ? "" : "s"}`;

function card(title, ...children) {
  return element("section", { class: "card", "aria-label": title }, element("h2", {}, title), ...children);
}

// Names and values; `key` marks a value for those who look it up.
function pairs(rows) {
  return element(
    "dl",
    { class: "pairs" },
    rows
      .filter(Boolean)
      .map(([name, value, key, change]) =>
        element(
          "div",
          {},
          element("dt", {}, name),
          element(
            "dd",
            {},
            element("span", { "data-stat": key }, value),
            change ? element("span", { class: "change" }, change) : null,
          ),
        ),
      ),
  );
}

// What is shown now, and who wants to know when it changes.
function observed(values) {
  const listeners = [];
  return {
    ...values,
    on(listener) {
      listeners.push(listener);
    },
    set(changes) {
      if (Object.entries(changes).every(([name, value]) => this[name] === value)) return;
      Object.assign(this, changes);
      for (const listener of listeners) listener(this);
    },
  };
}

// Calls `draw` with the width that a figure has, and again when it changes.
function drawn(node, draw) {
  let width = 0;
  new ResizeObserver(() => {
    if (node.clientWidth === width || !node.clientWidth) return;
    width = node.clientWidth;
    draw(width);
  }).observe(node);
  return () => width && draw(width);
}
