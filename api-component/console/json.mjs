// JSON for reading: the same tokens, one a line. Nothing is parsed and written anew, so numbers of any length, members
// that come twice and their order stay as they are.
import { h } from "./dom.mjs";

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs;

// Deeper than this nothing is indented further: a value may nest half a million levels.
const DEEPEST = 40;

export function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

// What separates the tokens, and the tokens with their kinds: [["", "brace", "{"], ["\n  ", "key", "\"a\""], …].
function* laidOut(text) {
  let depth = 0;
  let before = "";
  const line = () => `\n${"  ".repeat(Math.min(depth, DEEPEST))}`;
  const tokens = text.match(TOKEN) ?? [];
  for (const [n, token] of tokens.entries()) {
    const opens = token === "{" || token === "[";
    const closes = token === "}" || token === "]";
    if (closes) depth -= 1;
    const afterOpen = before === "{" || before === "[";
    let gap = "";
    if (closes) gap = afterOpen ? "" : line();
    else if (afterOpen || before === ",") gap = line();
    else if (before === ":") gap = " ";
    const kind = opens || closes || token === "," || token === ":" ? "sign"
      : token[0] === '"' ? (tokens[n + 1] === ":" ? "key" : "string")
        : "literal";
    yield [gap, kind, token];
    if (opens) depth += 1;
    before = token;
  }
}

// The text, laid out.
export function pretty(text) {
  let out = "";
  for (const [gap, , token] of laidOut(text)) out += gap + token;
  return out;
}

// The same in colours.
export function coloured(text) {
  const parts = [];
  for (const [gap, kind, token] of laidOut(text)) parts.push(gap, kind === "sign" ? token : h("span", { class: `json-${kind}` }, token));
  return parts;
}
