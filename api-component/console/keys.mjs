// Keyboard shortcuts, and the dialog that lists them.
import { button, h, show } from "./dom.mjs";

const OFF = "larder-keys-off";

let shortcuts = [];

// Takes the shortcuts: [[key, what it does, f], …]. Those of one key work where nothing is typed into.
export function install(list) {
  shortcuts = [...list, ["?", "show these shortcuts", help]];
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]") !== null || isTypedInto(event.target)) return;
    if (stored() && event.key !== "?") return;
    const found = shortcuts.find(([key]) => key.split(" ").includes(event.key));
    if (found === undefined) return;
    event.preventDefault();
    found[2]();
  });
}

// Shows the shortcuts, and the switch for those whose fingers or voice press keys by mistake.
export function help() {
  const row = ([key, what]) => h("tr", {}, h("th", { scope: "row" }, key.split(" ").map((one) => [h("kbd", {}, one), " "])), h("td", {}, what));
  const box = h("dialog", { class: "narrow", "aria-labelledby": "keys-title" }, h("h2", { id: "keys-title" }, "Keyboard"),
    h("table", { class: "pairs" }, h("caption", { class: "unseen" }, "Shortcuts"), h("tbody", {}, shortcuts.map(row))),
    h("p", {}, h("label", {}, h("input", { type: "checkbox", checked: !stored(), onchange: (event) => store(!event.target.checked) }), " Shortcuts of one key")),
    h("div", { class: "buttons" }, button("Close", () => box.close(), { class: "main" })));
  show(box);
}

const isTypedInto = (target) => target instanceof Element && target.matches("input:not([type=radio], [type=checkbox]), textarea, select");

function stored() {
  try {
    return localStorage.getItem(OFF) !== null;
  } catch {
    return false;
  }
}

function store(off) {
  try {
    if (off) localStorage.setItem(OFF, "1");
    else localStorage.removeItem(OFF);
  } catch {
    // It lasts no longer than the browser lets it.
  }
}
