// The view that follows the changes.
import { button, field, h } from "./dom.mjs";
import { follow } from "./feed.mjs";
import { announce } from "./notice.mjs";
import { address } from "./place.mjs";
import { count, moment, visible } from "./text.mjs";

const KEPT = 500;

let stop = null;
let seen = 0;
const listeners = [];

const prefix = h("input", { type: "search", spellcheck: "false", autocapitalize: "off", placeholder: "all" });
const rows = h("tbody");
const state = h("p", { class: "note", role: "status" }, "Not following.");
const counted = h("p", { class: "note" }, "No changes yet.");
const toggle = button("Follow", switchOver, { class: "main", "aria-pressed": "false" });

export const element = h("section", { class: "page", "aria-labelledby": "changes-title" },
  h("h2", { id: "changes-title" }, "Changes"),
  h("form", { class: "bar", onsubmit: (event) => (event.preventDefault(), start()) },
    field("Of ids that begin with", prefix), toggle, button("Clear", clear)),
  h("div", { class: "bar" }, state, counted),
  h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table of changes" },
    h("table", {}, h("thead", {}, h("tr", {}, ["Time", "What", "Item", "Revision"].map((name) => h("th", { scope: "col" }, name)))), rows)));

// Calls the listener with each change, as long as they are followed.
export function listen(listener) {
  listeners.push(listener);
}

export function switchOver() {
  if (stop === null) start();
  else pause();
}

// Shows the view, with the prefix of the list for a start.
export function enter(place) {
  if (stop === null && rows.childElementCount === 0) prefix.value = place.prefix;
}

function start() {
  stop?.abort();
  const controller = new AbortController();
  stop = controller;
  pressed(true);
  const mine = (what) => (...given) => stop === controller && what(...given);
  const on = { change: mine(add), state: mine((text) => told(text)), gap: mine((text) => insert(h("tr", { class: "gap" }, h("td", { colspan: 4 }, text)))) };
  follow(prefix.value, controller.signal, on).finally(mine(() => {
    stop = null;
    pressed(false);
  }));
}

function pause() {
  stop.abort();
  stop = null;
  pressed(false);
  told("Not following.");
}

function pressed(on) {
  toggle.setAttribute("aria-pressed", on);
  toggle.textContent = on ? "Pause" : "Follow";
  document.querySelector("[data-view=changes]").classList.toggle("live", on);
  announce(on ? "Following the changes" : "Not following the changes");
}

function told(text) {
  if (state.textContent !== text) state.textContent = text;
}

function add(change) {
  seen += 1;
  counted.textContent = `${count(seen, "change")}${seen > KEPT ? `, the last ${KEPT} are shown` : ""}.`;
  insert(h("tr", {}, h("td", {}, moment(new Date(change.at))), h("td", {}, h("span", { class: `state ${change.op}` }, change.op)),
    h("td", {}, h("a", { href: address({ view: "items", id: change.id }) }, visible(change.id))), h("td", { class: "code" }, change.revision ?? "–")));
  listeners.forEach((listener) => listener(change));
}

function insert(row) {
  rows.prepend(row);
  while (rows.childElementCount > KEPT) rows.lastChild.remove();
}

function clear() {
  seen = 0;
  rows.replaceChildren();
  counted.textContent = "No changes yet.";
}
