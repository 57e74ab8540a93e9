// Puts the page together.
import * as changes from "./changes.mjs";
import { button, h } from "./dom.mjs";
import * as health from "./health.mjs";
import * as item from "./item.mjs";
import * as keys from "./keys.mjs";
import * as list from "./list.mjs";
import { announce, notice } from "./notice.mjs";
import { address, follow, go, here } from "./place.mjs";
import { undo } from "./remove.mjs";
import * as token from "./token.mjs";
import * as writes from "./writes.mjs";

const byId = (id) => document.getElementById(id);
const main = byId("main");
const browse = h("div", { class: "browse" }, list.element, item.element);
const views = new Map([["items", ["Items", browse]], ["changes", ["Changes", changes.element]], ["writes", ["Writes", writes.element]]]);
const links = [...views].map(([view, [name]]) => h("a", { "data-view": view }, name));

const create = () => item.create(here().prefix);

function theme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("larder-theme", root.dataset.theme);
  } catch {
    // It lasts as long as the page.
  }
  announce(`${root.dataset.theme} colours`);
}

async function account() {
  if (await token.request("The store may ask for one. Leave it out for an open store.")) location.reload();
}

function forget() {
  token.forget();
  location.reload();
}

function refresh() {
  list.reload();
  item.load();
}

// A file dropped anywhere on the page becomes the value of a new item.
function dropped(event) {
  event.preventDefault();
  const files = event.dataTransfer?.files ?? [];
  if (files.length === 1) item.create(here().prefix, files[0]);
  else if (files.length > 1) notice("One file at a time, please.");
}

byId("store").textContent = location.host;
byId("views").append(...links);
byId("tools").append(health.element, button("New item", create, { class: "main" }),
  button("Token", account, { title: "Give an access token" }), token.current() === null ? "" : button("Forget token", forget),
  button("◐", theme, { "aria-label": "Dark or light", title: "Dark or light" }), button("?", keys.help, { "aria-label": "Keyboard shortcuts", title: "Keyboard shortcuts" }));
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", dropped);

keys.install([
  ["/", "search by prefix", () => (go({ view: "items" }), list.focusSearch())],
  ["j ArrowDown", "next row", () => list.step(1)],
  ["k ArrowUp", "row before", () => list.step(-1)],
  ["u", "folder above", () => list.up()],
  ["]", "next page", () => list.turn(1)],
  ["[", "page before", () => list.turn(-1)],
  ["Escape", "close the item", () => item.close()],
  ["c", "create an item", create],
  ["e", "edit the item", () => item.change()],
  ["d", "download its value", () => item.download()],
  ["x Delete", "delete the item", () => item.drop()],
  ["z", "undo the last deletion", () => undo()],
  ["r", "read list and item again", refresh],
  ["f", "follow the changes, or pause", () => changes.switchOver()],
  ["1", "items", () => go({ view: "items", id: here().id })],
  ["2", "changes", () => go({ view: "changes", id: here().id })],
  ["3", "writes", () => go({ view: "writes", id: here().id })],
  ["t", "dark or light", theme],
]);

health.start();
follow((place) => {
  const view = views.has(place.view) ? place.view : "items";
  const [name, element] = views.get(view);
  for (const link of links) {
    link.href = address({ view: link.dataset.view, id: place.id });
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (main.firstChild !== element) main.replaceChildren(element);
  document.title = `${name} · Larder console`;
  browse.classList.toggle("open", place.id !== null);
  if (element === changes.element) changes.enter(place);
  if (element === browse) {
    list.enter(place);
    item.enter(place);
  }
});
