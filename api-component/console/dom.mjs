// Elements, made one by one. No text ever becomes markup: what the store holds is somebody else's.

// h("p", {class: "note", onclick: f}, "text", other): an element. Attributes that are null, undefined or false
// are left out; `on…` are listeners; children are nodes, texts, or lists of them.
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

// A button that says what it does, and its key.
export function button(label, onclick, attributes = {}) {
  return h("button", { type: "button", onclick, ...attributes }, label);
}

// A labelled field; the label is above the control.
export function field(label, control, hint) {
  control.id ||= `field-${++fields}`;
  const note = hint === undefined ? null : h("small", { id: `${control.id}-hint` }, hint);
  if (note !== null) control.setAttribute("aria-describedby", note.id);
  return h("div", { class: "field" }, h("label", { for: control.id }, label), control, note);
}

let fields = 0;

// Shows a dialog and resolves when it is closed, to what it was closed with. Focus goes back to where it was.
export function show(dialog) {
  const before = document.activeElement;
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
      resolve(dialog.returnValue);
    });
  });
}
