// Somebody else was faster: theirs beside mine, and what to do.
import * as api from "./api.mjs";
import { button, h, show } from "./dom.mjs";
import { size, visible } from "./text.mjs";
import { asText } from "./value.mjs";

const SHOWN = 100_000;

// Asks what to do with `mine`: {choice: "edit" | "overwrite" | "discard", theirs}. Theirs is null where the item is gone.
export async function resolve(id, mine, isNew) {
  const theirs = await api.read(id).catch((problem) => {
    if (problem.status === 404) return null;
    throw problem;
  });
  const [left, right] = [theirs === null ? null : asText(theirs.bytes), asText(mine.bytes)];
  const [theirLines, myLines] = marked(left?.slice(0, SHOWN), right?.slice(0, SHOWN));
  const side = (title, note, item, lines) => h("section", {}, h("h3", {}, title), h("p", { class: "note" }, note),
    lines === null ? h("p", { class: "empty" }, item === null ? "Deleted." : `${size(item.bytes.length)} of bytes that are no text.`)
      : h("pre", { class: "text scroll", tabindex: 0, role: "region", "aria-label": title }, lines));
  const choose = (choice) => () => box.close(choice);
  const box = h("dialog", { class: "wide", "aria-labelledby": "conflict-title" },
    h("h2", { id: "conflict-title" }, "Conflict: ", visible(id)),
    h("p", {}, `${isNew ? "There is an item with this id." : "Somebody else wrote to it after you read it."} Nothing of yours was written.`),
    h("div", { class: "sides" },
      side("Theirs", theirs === null ? "The item is gone." : `Revision ${theirs.revision}, ${theirs.type}`, theirs, theirLines),
      side("Mine", mine.type, mine, myLines)),
    h("div", { class: "buttons" }, button("Keep editing", choose("edit"), { class: "main" }),
      button("Overwrite theirs", choose("overwrite"), { class: "danger" }), button("Discard mine", choose("discard"))));
  const choice = (await show(box)) || "edit";
  return { choice, theirs };
}

// Both texts, with a mark on the lines between what they have in common at the start and at the end.
function marked(left, right) {
  const lines = [left, right].map((text) => (text === null || text === undefined ? null : text.split("\n")));
  if (lines.includes(null)) return lines.map((one) => (one === null ? null : one.join("\n")));
  const [a, b] = lines;
  const least = Math.min(a.length, b.length);
  let start = 0;
  while (start < least && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < least - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  return lines.map((one) => {
    const [before, middle, after] = [one.slice(0, start), one.slice(start, one.length - end), one.slice(one.length - end)];
    const join = (part) => part.map((line) => `${line}\n`).join("");
    return [join(before), h("mark", {}, join(middle)), join(after)];
  });
}
