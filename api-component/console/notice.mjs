// What happened, said at the foot of the page and to screen readers.
import { button, h } from "./dom.mjs";

// Says something to screen readers only.
export function announce(text) {
  document.getElementById("announced").replaceChildren(text);
}

// Shows a notice until it is closed, or for so long; it may offer something to do.
export function notice(text, { action, run, ms = 6000, kind = "info" } = {}) {
  const close = () => element.remove();
  const offered = action && button(action, () => {
    close();
    run();
  }, { class: "main" });
  const element = h("div", { class: `notice ${kind}`, role: kind === "bad" ? "alert" : "status" }, h("p", {}, text), offered ?? null,
    button("×", close, { "aria-label": "Close this notice", class: "quiet" }));
  // A live region tells what is put into it, not what comes with it.
  const content = [...element.childNodes];
  element.replaceChildren();
  document.getElementById("notices").append(element);
  setTimeout(() => element.append(...content));
  if (ms !== null) setTimeout(close, ms);
  return close;
}

// Shows why something was not done.
export function failed(what, problem) {
  if (problem.name === "AbortError") return;
  notice(`${what}: ${problem.message}`, { kind: "bad", ms: 15000 });
}
