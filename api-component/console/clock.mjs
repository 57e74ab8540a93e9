// What time it is at the store, by the Date of its answers: ends of items are counted down from there.
let ahead = 0;

// Takes the Date of an answer; it has whole seconds, so less than two of difference are none.
export function adjust(headers) {
  const date = Date.parse(headers.get("date") ?? "");
  const found = date - Date.now();
  if (!Number.isNaN(found)) ahead = Math.abs(found) < 2000 ? 0 : found;
}

// Milliseconds since 1970, at the store.
export function now() {
  return Date.now() + ahead;
}
