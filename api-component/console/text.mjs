// Texts of others, and how to show them without being fooled by them.
import { h } from "./dom.mjs";

// Characters that cannot be seen, or turn what is around them: controls, formats (bidi overrides, joiners, byte
// order marks), separators other than the space, what no character has, and lone halves of pairs.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}\u115f\u1160\u3164\uffa0]|(?! )\p{Zs}/gu;

const name = (character) => `U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`;

// The text as nodes, on its own as to direction; what cannot be seen is named in a box.
export function visible(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(UNSEEN)) {
    parts.push(text.slice(end, match.index), h("span", { class: "code-point" }, name(match[0])));
    end = match.index + match[0].length;
  }
  return h("bdi", {}, parts, text.slice(end));
}

// The same as one text, for labels and messages.
export function plain(text) {
  return text.replace(UNSEEN, (character) => `<${name(character)}>`);
}

// "1 item", "2 items".
export function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

// "812 B", "1.5 KiB".
export function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB"];
  const unit = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), 3);
  const number = bytes / 1024 ** unit;
  return `${unit === 0 || number >= 100 ? Math.round(number) : number.toFixed(1)} ${units[unit]}`;
}

// "3 d 4 h", "12 s": the two largest units of a time in milliseconds.
export function duration(ms) {
  const steps = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  let rest = Math.max(0, Math.floor(ms / 1000));
  const parts = [];
  for (const [unit, seconds] of steps) {
    const many = Math.floor(rest / seconds);
    rest %= seconds;
    if (many > 0 || parts.length === 1) parts.push(many > 0 ? `${many} ${unit}` : "");
    if (parts.length === 2) break;
  }
  return parts.filter((part) => part !== "").join(" ") || "0 s";
}

// A time of the day where it is today, else the date too; ISO in the title.
export function moment(date) {
  const today = new Date().toDateString() === date.toDateString();
  const text = today ? date.toTimeString().slice(0, 8) : date.toISOString().slice(0, 16).replace("T", " ") + "Z";
  return h("time", { datetime: date.toISOString(), title: date.toISOString() }, text);
}
