// The epoch slider and its play button.
function replay(history, state, statistics) {
  const last = history.epochs.length - 1;
  const slider = element("input", {
    type: "range",
    id: "epoch",
    min: 0,
    max: last,
    step: 1,
    value: state.epoch,
    input: () => {
      stop();
      state.set({ epoch: slider.valueAsNumber });
    },
  });
  const output = element("output", { for: "epoch" });
  const button = element("button", { type: "button", id: "play", click: () => (timer ? stop() : play()) }, "Play");
  const numbers = element("div", {});
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let timer = null;

  // About six seconds in all; who wants little motion gets ten calm steps.
  function play() {
    const step = calm.matches ? Math.max(1, Math.ceil(last / 10)) : Math.max(1, Math.ceil(last / 120));
    const pause = calm.matches ? 1000 : clamped(6000 / Math.max(1, last), 40, 400);
    if (state.epoch >= last) state.set({ epoch: 0 });
    timer = setInterval(() => {
      state.set({ epoch: Math.min(last, state.epoch + step) });
      if (state.epoch >= last) stop();
    }, pause);
    button.textContent = "Pause";
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    button.textContent = "Play";
  }

  function show() {
    const epoch = history.epochs[state.epoch];
    slider.value = state.epoch;
    slider.setAttribute("aria-valuetext", `epoch ${epoch} of ${history.last}`);
    output.textContent = `${epoch} of ${history.last}`;
    numbers.replaceChildren(pairs(statistics(state.epoch)));
  }

  state.on(show);
  show();
  return element(
    "div",
    { class: "replay" },
    element("div", { class: "control" }, element("label", { for: "epoch" }, "Epoch"), output, button, slider),
    numbers,
  );
}
