// Whether the store is well, in words. It is asked every few seconds, while somebody looks.
import { Problem, ask } from "./api.mjs";
import { button, h } from "./dom.mjs";

const EVERY = 5000;

const lamp = h("span", { class: "lamp", "aria-hidden": "true" });
const word = h("span", {}, "…");

// The lamp in the head of the page; a press asks again.
export const element = button([lamp, word], check, { class: "health quiet", title: "Reads are answered and writes applied. Press to ask again." });

const banner = () => document.getElementById("health");

async function check() {
  const problem = await ask("GET", "/health/ready", { quiet: true }).then(() => null, (error) => error);
  const [state, text] = problem === null ? ["good", "Ready"] : problem instanceof Problem && problem.status === 0 ? ["bad", "No answer"] : ["bad", "Not ready"];
  element.dataset.state = state;
  word.textContent = text;
  const said = problem === null ? "" : problem.message;
  // A status region is read out when it changes.
  if (banner().textContent !== said) banner().textContent = said;
}

export function start() {
  check();
  setInterval(() => document.hidden || check(), EVERY);
  document.addEventListener("visibilitychange", () => document.hidden || check());
}
