// The writes of this tab, from the request to the outcome, and the view that shows them.
import * as api from "./api.mjs";
import { h } from "./dom.mjs";
import { address } from "./place.mjs";
import { count, duration, moment, visible } from "./text.mjs";

const KEPT = 200;

// Newest first: {what, id, at, state, revision, detail, ms}.
const log = [];

// Sends a write and follows it to its end: {outcome: "applied" | "rejected", revision, reason, ms}. `told` hears of each
// step. A write that the store does not accept throws its problem; one whose condition fails at once is rejected.
export async function write(what, method, id, { condition, item, told = () => {} }) {
  const entry = { what, id, at: new Date(), state: "sending", revision: null, detail: "", ms: 0 };
  log.unshift(entry);
  log.length = Math.min(log.length, KEPT);
  const step = (changes) => {
    Object.assign(entry, changes, { ms: Date.now() - entry.at.getTime() });
    told(entry);
    render();
  };
  step({});
  try {
    step({ revision: await api.write(method, id, { condition, item }), state: "pending" });
  } catch (problem) {
    if (problem.status !== 412) {
      step({ state: "refused", detail: problem.message });
      throw problem;
    }
    step({ state: "rejected", detail: problem.message });
    return { outcome: "rejected", reason: problem.message, ms: entry.ms };
  }
  const { outcome, reason } = await settled(entry, step);
  step({ state: outcome, detail: reason ?? "" });
  return { outcome, reason, revision: entry.revision, ms: entry.ms };
}

// Asks until it is no longer pending, ever more seldom. That the answer cannot be had now changes nothing.
async function settled(entry, step) {
  for (let pause = 20; ; pause = Math.min(pause * 2, 2000)) {
    const answer = await api.outcome(entry.revision, entry.id).catch((problem) => {
      if ([401, 403, 404, 410].includes(problem.status)) return { outcome: "unknown", reason: problem.message };
      return { outcome: "pending", reason: problem.message };
    });
    if (answer.outcome !== "pending") return answer;
    step({ detail: answer.reason ?? "" });
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

// How a write stands, in words.
export function words({ state, revision, ms, detail }) {
  const text = {
    sending: "Sending …",
    pending: `Accepted as ${revision}, not applied yet (${duration(ms)}) …`,
    applied: `Applied after ${ms} ms.`,
    rejected: `Rejected: ${detail}`,
    refused: `Refused: ${detail}`,
    unknown: `Its outcome is not told: ${detail}`,
  }[state];
  // With this the reader knows whom to ask.
  return state === "pending" && ms > 10000 ? `${text} Do the workers run? The health at the top says so.` : text;
}

const rows = h("tbody");
const summary = h("p", { class: "note", role: "status" });

export const element = h("section", { class: "page", "aria-labelledby": "writes-title" },
  h("h2", { id: "writes-title" }, "Writes of this tab"), summary,
  h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table of writes" },
    h("table", {}, h("thead", {}, h("tr", {}, ["Time", "What", "Item", "Revision", "Outcome"].map((name) => h("th", { scope: "col" }, name)))), rows)));

function render() {
  const open = log.filter(({ state }) => state === "sending" || state === "pending").length;
  summary.textContent = log.length === 0 ? "None yet. What you put or delete here shows up with its outcome."
    : `${count(log.length, "write")}, ${open} of them open.`;
  rows.replaceChildren(...log.map((entry) => h("tr", {},
    h("td", {}, moment(entry.at)), h("td", {}, entry.what), h("td", {}, h("a", { href: address({ view: "items", id: entry.id }) }, visible(entry.id))),
    h("td", { class: "code" }, entry.revision ?? "–"), h("td", {}, h("span", { class: `state ${entry.state}` }, entry.state), " ", words(entry)))));
}

render();
