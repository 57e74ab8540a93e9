// One item: what is known of it, its value, and what can be done to it.
import * as api from "./api.mjs";
import * as changes from "./changes.mjs";
import { now } from "./clock.mjs";
import { button, h } from "./dom.mjs";
import { edit } from "./editor.mjs";
import * as list from "./list.mjs";
import { announce } from "./notice.mjs";
import { go } from "./place.mjs";
import { remove } from "./remove.mjs";
import { count, duration, moment, plain, size, visible } from "./text.mjs";
import { valueView } from "./value.mjs";

// Larger values are read when somebody asks for them.
const AT_ONCE = 1 << 20;

// Of the item that is shown; at first not even that there is none.
let id;
let item = null;
let loading = null;
// The end of the reading that is under way: a key that is pressed meanwhile is for what comes.
let settled = Promise.resolve();

const body = h("div");
const news = h("div", { class: "news", role: "status" });

export const element = h("section", { class: "item", "aria-labelledby": "item-title" },
  h("a", { class: "back", href: "#", onclick: (event) => (event.preventDefault(), close()) }, "‹ Back to the list"), news, body);

// Shows the item of a place, read anew.
export function enter(place) {
  if (place.id === id) return;
  id = place.id;
  load();
}

export function close() {
  go({ id: null });
}

// Reads the item again. With `whole`, its value too, however large it is.
export function load(options) {
  settled = read(options);
  return settled;
}

async function read({ whole = false } = {}) {
  loading?.abort();
  item = null;
  news.replaceChildren();
  if (id === null) {
    body.replaceChildren(h("h2", { id: "item-title", class: "unseen" }, "Item"), h("p", { class: "empty" }, "Choose an item, or press c to make one."));
    return;
  }
  const controller = new AbortController();
  loading = controller;
  try {
    // What refuses HEAD cannot say why; GET can.
    const head = whole ? null : await api.read(id, "HEAD", controller.signal).catch(() => null);
    const found = head === null || head.size <= AT_ONCE ? await api.read(id, "GET", controller.signal) : head;
    if (controller.signal.aborted) return;
    item = found;
    render();
  } catch (problem) {
    if (controller.signal.aborted) return;
    const gone = problem.status === 404;
    body.replaceChildren(title(), h("p", { class: "problem", role: "alert" }, problem.message || `${problem.title}.`),
      h("div", { class: "buttons" }, gone ? button("Create it", () => create(id)) : button("Try again", () => load({ whole }))));
  }
}

// Opens an editor for a new item.
export async function create(name, file) {
  const made = await edit({ id: name, file });
  if (made !== null) shown(made);
}

// The item with its value, however large, once what is being read is there; null where there is none.
async function withValue() {
  await settled;
  if (item !== null && item.bytes === null) await load({ whole: true });
  return item;
}

export async function change() {
  await settled;
  if (document.querySelector("dialog[open]") !== null) return;
  if ((await withValue()) !== null && (await edit({ item })) !== null) shown(id);
}

export async function drop() {
  if ((await withValue()) === null) return;
  await remove(item, (name) => shown(name));
  shown(item.id);
}

// Saves the value as a file. The browser is told that it is bytes, whatever its type says.
export async function download() {
  if ((await withValue()) === null) return;
  const url = URL.createObjectURL(new Blob([item.bytes], { type: "application/octet-stream" }));
  const name = item.id.split(/[/\\:]/).findLast((part) => part !== "") ?? "item";
  h("a", { href: url, download: plain(name) }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

// Something was written: the list and the item are read again.
function shown(name) {
  list.reload();
  if (name === id) load();
  else go({ id: name });
}

const title = () => h("h2", { id: "item-title", class: "id" }, visible(id));

function render() {
  const { bytes } = item;
  const facts = [
    ["Type", visible(item.type)],
    ["Size", `${size(item.size)}${item.size >= 1024 ? ` (${count(item.size, "byte")})` : ""}`],
    ["Changed", moment(item.modified)],
    ["Revision", h("span", { class: "code" }, item.revision)],
    ["Ends", item.expires === null ? "never" : h("span", { class: "countdown" }, ends())],
  ];
  const meta = item.meta.map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, visible(name)), h("td", {}, visible(value))));
  const head = item.head.map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, visible(value))));
  body.replaceChildren(title(),
    h("div", { class: "buttons", role: "group", "aria-label": "Actions" }, button("Edit", change, { class: "main" }), button("Download", download), button("Delete", drop, { class: "danger" }), button("Reload", () => load())),
    h("dl", { class: "facts" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    meta.length === 0 ? "" : h("table", { class: "pairs" }, h("caption", {}, "Metadata"), h("tbody", {}, meta)),
    bytes === null ? h("p", { class: "empty" }, `The value has ${size(item.size)}. `, button("Read it", () => load({ whole: true }))) : valueView(item),
    h("details", {}, h("summary", {}, "Head"), h("table", { class: "pairs" }, h("caption", { class: "unseen" }, "Headers of the answer"), h("tbody", {}, head))));
  announce(`${plain(id)}, ${item.type}, ${size(item.size)}`);
}

const ends = () => (item.expires > now() ? `in ${duration(item.expires - now())}` : "now");

// Counts down, silently: a screen reader would say every second.
setInterval(() => {
  if (item === null || item.expires === null) return;
  const left = item.expires - now();
  const place = body.querySelector(".countdown");
  if (place !== null) place.textContent = ends();
  if (left <= 0 && left > -1000) load();
}, 1000);

changes.listen((change) => {
  if (item === null || change.id !== id || change.revision === item.revision) return;
  const what = { put: "was written", delete: "was deleted", expire: "has ended" }[change.op] ?? "changed";
  news.replaceChildren(`This item ${what}. `, button("Show it", () => load()));
});
