// Deleting, and taking it back.
import { now } from "./clock.mjs";
import { failed, notice } from "./notice.mjs";
import { plain } from "./text.mjs";
import { write } from "./writes.mjs";

// What can be taken back: {item, restored}.
let last = null;

// Deletes an item if it is still as it was read. Tells `restored(id)` if that is undone later.
export async function remove(item, restored) {
  const name = plain(item.id);
  try {
    const { outcome, reason } = await patiently(`${name} is not deleted yet`, write("Delete", "DELETE", item.id, { condition: { "if-match": item.etag } }));
    if (outcome !== "applied") {
      notice(`${name} was not deleted: ${reason ?? "somebody wrote to it meanwhile"}`, { kind: "bad", ms: 15000 });
      return;
    }
  } catch (problem) {
    failed(`${name} was not deleted`, problem);
    return;
  }
  const mine = { item, restored, close: null };
  last = mine;
  mine.close = notice(`${name} is deleted.`, { action: "Undo", run: () => undo(mine), ms: 60000 });
}

// Waits for a write, and says so where that takes longer than anybody expects.
async function patiently(text, writing) {
  let close = () => {};
  const timer = setTimeout(() => (close = notice(`${text}: the write is on its way. Writes shows how it goes.`, { ms: null })), 1000);
  try {
    return await writing;
  } finally {
    clearTimeout(timer);
    close();
  }
}

// Undoes the last deletion: writes the item with all that it had, if nobody has written there since.
export async function undo(deletion = last) {
  if (deletion === null) {
    notice("There is no deletion to undo.");
    return;
  }
  const { item, restored, close } = deletion;
  const name = plain(item.id);
  close();
  const ttl = item.expires === null ? null : Math.floor((item.expires - now()) / 1000);
  if (ttl !== null && ttl < 1) {
    notice(`${name} is not restored: it would have ended meanwhile.`, { kind: "bad", ms: 15000 });
    return;
  }
  if (last === deletion) last = null;
  try {
    const writing = write("Restore", "PUT", item.id, { condition: { "if-none-match": "*" }, item: { ...item, ttl } });
    const { outcome } = await patiently(`${name} is not restored yet`, writing);
    if (outcome === "applied") notice(`${name} is back.`);
    else notice(`${name} is not restored: somebody has written there meanwhile.`, { kind: "bad", ms: 15000 });
  } catch (problem) {
    failed(`${name} is not restored`, problem);
    last = deletion;
  }
  restored(item.id);
}
