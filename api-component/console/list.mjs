// The ids, as folders, page by page.
import * as api from "./api.mjs";
import * as changes from "./changes.mjs";
import { now } from "./clock.mjs";
import { button, field, h } from "./dom.mjs";
import { announce } from "./notice.mjs";
import { address, go, here } from "./place.mjs";
import { count, duration, moment, plain, size, visible } from "./text.mjs";

// A page may be empty and not be the last.
const EMPTY_PAGES = 50;

// The cursors of the pages so far; the first page has none.
let cursors = [null];
let next = null;
let shown = { prefix: null, delimiter: null };
let loading = null;
let missed = 0;
let typing = null;

const search = h("input", { type: "search", id: "search", spellcheck: "false", autocapitalize: "off", autocomplete: "off", oninput: typed, onkeydown: left });
const delimiter = h("select", { onchange: () => go({ delimiter: delimiter.value }) },
  [["/", "at /"], [":", "at :"], [".", "at ."], ["", "none"]].map(([value, text]) => h("option", { value }, text)));
const limit = h("select", { onchange: () => load() }, [50, 100, 1000].map((n) => h("option", { value: n, selected: n === 100 }, n)));
const crumbs = h("ol");
const rows = h("tbody");
const status = h("p", { class: "note", role: "status" });
const news = h("div", { class: "news", role: "status" });
const previous = button("‹ Previous", () => turn(-1));
const following = button("Next ›", () => turn(1));

const columns = ["Id", "Size", "Type", "Changed", "Ends in"];
const table = h("table", {}, h("caption", { class: "unseen" }, "Folders and items"),
  h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col", class: name === "Size" ? "number" : null }, name)))), rows);

export const element = h("section", { class: "list", "aria-labelledby": "list-title" },
  h("h2", { id: "list-title", class: "unseen" }, "Items"),
  h("form", { class: "bar", role: "search", onsubmit: submitted }, field("Prefix, or an id to open", search),
    h("button", { type: "submit" }, "Open"), field("Folders", delimiter), field("Per page", limit)),
  h("nav", { "aria-label": "Folder", class: "crumbs" }, crumbs), news,
  h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table of items" }, table),
  h("div", { class: "pages" }, previous, status, following));

// Shows the list of a place; the same one stays as it is.
export function enter(place) {
  if (place.prefix !== shown.prefix || place.delimiter !== shown.delimiter) {
    shown = { prefix: place.prefix, delimiter: place.delimiter };
    if (search.value !== place.prefix) search.value = place.prefix;
    delimiter.value = place.delimiter;
    load();
  }
  mark(place.id);
}

// Reads the first page, or again the page that is shown.
export function load(index = 0) {
  cursors = cursors.slice(0, index + 1);
  return page();
}

export const reload = () => load(cursors.length - 1);

export function turn(step) {
  if (step < 0 && cursors.length > 1) load(cursors.length - 2);
  if (step > 0 && next !== null) {
    cursors.push(next);
    page();
  }
}

export function focusSearch() {
  search.focus();
  search.select();
}

// Moves the focus between the rows.
export function step(by) {
  const links = [...rows.querySelectorAll("a")];
  const at = links.indexOf(document.activeElement);
  const current = links.findIndex((link) => link.hasAttribute("aria-current"));
  const to = at >= 0 ? at + by : Math.max(current, 0);
  links[Math.min(Math.max(to, 0), links.length - 1)]?.focus();
}

// The folder above the place.
export function up() {
  const { prefix, delimiter } = here();
  const parts = delimiter === "" ? [prefix] : prefix.split(delimiter);
  if (parts.at(-1) === "") parts.pop();
  parts.pop();
  go({ prefix: parts.map((part) => part + delimiter).join("") });
}

function typed() {
  clearTimeout(typing);
  typing = setTimeout(() => go({ prefix: search.value, id: here().id }, { replace: true }), 250);
}

// Escape leaves the field with what is in it.
function left(event) {
  if (event.key !== "Escape") return;
  event.preventDefault();
  search.blur();
}

function submitted(event) {
  event.preventDefault();
  clearTimeout(typing);
  if (search.value !== "") go({ id: search.value });
}

async function page() {
  loading?.abort();
  const controller = new AbortController();
  loading = controller;
  table.setAttribute("aria-busy", "true");
  missed = 0;
  news.replaceChildren();
  try {
    let answer = null;
    let cursor = cursors.at(-1);
    for (let n = 0; n < EMPTY_PAGES; n += 1) {
      answer = await api.list({ ...shown, limit: limit.value, cursor }, controller.signal);
      cursor = answer.cursor;
      if (answer.items.length + answer.prefixes.length > 0 || cursor === null) break;
    }
    render(answer);
  } catch (problem) {
    if (controller.signal.aborted) return;
    rows.replaceChildren();
    next = null;
    status.replaceChildren(h("span", { class: "problem" }, problem.message), " ", button("Try again", () => reload()));
  } finally {
    if (loading === controller) table.removeAttribute("aria-busy");
  }
  previous.disabled = cursors.length === 1;
  following.disabled = next === null;
}

function render({ items, prefixes, cursor }) {
  next = cursor;
  drawCrumbs();
  rows.replaceChildren(...prefixes.map(folderRow), ...items.map(itemRow));
  rows.closest(".scroll").scrollTop = 0;
  const many = [prefixes.length > 0 && count(prefixes.length, "folder"), (items.length > 0 || prefixes.length === 0) && count(items.length, "item")];
  const text = `Page ${cursors.length}: ${many.filter(Boolean).join(", ")}${next === null ? "" : ", and more"}`;
  status.replaceChildren(items.length + prefixes.length === 0 && next === null && cursors.length === 1
    ? shown.prefix === "" ? "There are no items yet. Press c to make one." : "No id begins so." : text);
  mark(here().id);
}

// What stands in front of each name here: the part of the prefix that is whole folders.
function folder() {
  return shown.delimiter === "" ? "" : shown.prefix.slice(0, shown.prefix.lastIndexOf(shown.delimiter) + (shown.prefix.includes(shown.delimiter) ? shown.delimiter.length : 0));
}

const nameOf = (id) => id.slice(folder().length) || id;

function folderRow(prefix) {
  return h("tr", { class: "folder" }, h("th", { scope: "row", colspan: columns.length }, h("a", { href: address({ prefix }) }, visible(nameOf(prefix)))));
}

function itemRow({ id, size: bytes, content_type: type, modified, expires }) {
  const cell = (name, ...content) => h("td", { class: name }, content);
  return h("tr", {}, h("th", { scope: "row" }, h("a", { href: address({ id }), "data-id": id }, visible(nameOf(id)))),
    cell("number", bytes === undefined ? "" : size(bytes)), cell("kind", visible(type ?? "")),
    cell("when", modified ? moment(new Date(modified)) : ""), cell("when", expires ? duration(new Date(expires) - now()) : "–"));
}

function drawCrumbs() {
  const { prefix, delimiter } = shown;
  const parts = delimiter === "" ? [prefix] : prefix.split(delimiter);
  const rest = parts.pop();
  const links = parts.map((part, n) => h("li", {}, h("a", { href: address({ prefix: parts.slice(0, n + 1).map((one) => one + delimiter).join("") }) }, visible(part + delimiter))));
  crumbs.replaceChildren(h("li", {}, h("a", { href: address({ prefix: "" }) }, "All items")), ...links, rest === "" ? "" : h("li", {}, visible(`${rest}…`)));
}

function mark(id) {
  for (const link of rows.querySelectorAll("a[data-id]")) {
    if (link.dataset.id === id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

changes.listen(({ id }) => {
  if (shown.prefix === null || !id.startsWith(shown.prefix)) return;
  missed += 1;
  const text = `${count(missed, "change")} here since this page was read.`;
  if (missed === 1) announce(`${plain(id)} changed. ${text}`);
  news.replaceChildren(text, " ", button("Refresh", () => reload()));
});
