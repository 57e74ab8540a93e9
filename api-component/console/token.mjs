// The access token: asked for when the store wants one, and kept for this tab only.
import { button, field, h, show } from "./dom.mjs";

const KEY = "larder-token";

// The token, or null. A browser that keeps nothing asks again with each page.
let token = null;
try {
  token = sessionStorage.getItem(KEY);
} catch {
  // As without one.
}

let asking = null;

export function current() {
  return token;
}

export function forget() {
  set(null);
}

// Asks for a token, once for all requests that wait for it; resolves to whether there is another one now.
export function request(why) {
  asking ??= dialog(why).finally(() => (asking = null));
  return asking;
}

async function dialog(why) {
  const before = token;
  const input = h("input", { type: "password", autocomplete: "off", spellcheck: "false", required: true });
  const wrong = h("p", { class: "problem", role: "alert" });
  const use = (event) => {
    event.preventDefault();
    const given = input.value.trim();
    if (!/^[\x21-\x7e]+$/.test(given)) {
      wrong.replaceChildren("A token is one word of letters, digits and signs. Copy it as larder-worker token new showed it.");
      return;
    }
    set(given);
    box.close("use");
  };
  const form = h("form", { onsubmit: use }, field("Access token", input, "It is kept for this tab only, until you close it."), wrong,
    h("div", { class: "buttons" }, h("button", { type: "submit", class: "main" }, "Use it"), button("Cancel", () => box.close())));
  const box = h("dialog", { "aria-labelledby": "token-title", class: "narrow" },
    h("h2", { id: "token-title" }, "Access token"), h("p", {}, why), form);
  await show(box);
  return token !== null && token !== before;
}

function set(value) {
  token = value;
  try {
    if (value === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, value);
  } catch {
    // Then this page alone has it.
  }
}
