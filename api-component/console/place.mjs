// Where one is: in the fragment of the address, so that the browser's back works and a place can be sent on.
// What stands there is as little ours as an item; it is shown, and sent to the API, and nothing else.

const NOTHING = { view: "items", prefix: "", delimiter: "/", id: null };

const listeners = [];

export function here() {
  const query = new URLSearchParams(location.hash.slice(1));
  const known = Object.keys(NOTHING).filter((key) => query.has(key));
  return { ...NOTHING, ...Object.fromEntries(known.map((key) => [key, query.get(key)])) };
}

// The address of a place; what is not named stays as it is, but for the item.
export function address(changes) {
  const place = { ...here(), id: null, ...changes };
  const told = Object.entries(place).filter(([key, value]) => value !== null && value !== NOTHING[key]);
  return `#${new URLSearchParams(told)}`;
}

// Goes there; with `replace` it is no step for the browser's back.
export function go(changes, { replace = false } = {}) {
  const to = address(changes);
  if (replace) history.replaceState(null, "", to);
  if (replace || to === (location.hash || "#")) tell();
  else location.hash = to;
}

// Calls the listener now, and whenever one goes somewhere else.
export function follow(listener) {
  listeners.push(listener);
  listener(here());
}

function tell() {
  listeners.forEach((listener) => listener(here()));
}

addEventListener("hashchange", tell);
