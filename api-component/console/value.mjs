// A value, shown as what it is: an image, JSON, text, or bytes.
import { button, h } from "./dom.mjs";
import { coloured, isJson, pretty } from "./json.mjs";
import { size } from "./text.mjs";

// What an <img> may be given: formats that hold pixels and nothing else. SVG holds documents, and is text here.
const RASTER = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"];

// As much is shown at once; more of it on request.
const TEXT_STEP = 200_000;
const HEX_STEP = 8192;
const COLOURED = 100_000;

const essence = (type) => type.split(";")[0].trim().toLowerCase();

// The text that bytes are, or null where they are none: not UTF-8, or with control characters.
export function asText(bytes) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return /[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

// The value with a choice of forms, the best one first.
export function valueView(item) {
  const { bytes, type } = item;
  const text = asText(bytes);
  const forms = [];
  if (RASTER.includes(essence(type))) forms.push(["Image", () => image(bytes, essence(type))]);
  if (text !== null && isJson(text)) {
    const form = ["JSON", () => (text.length > COLOURED ? long(pretty(text)) : h("pre", { class: "text" }, coloured(text)))];
    // A text that happens to be a number or in quotes is a text first.
    if (essence(type).endsWith("json") || /^\s*[{[]/.test(text)) forms.push(form, ["Text", () => long(text)]);
    else forms.push(["Text", () => long(text)], form);
  } else if (text !== null) {
    forms.push(["Text", () => long(text)]);
  }
  forms.push(["Hex", () => hex(bytes)]);

  const shown = h("div", { class: "shown scroll", tabindex: 0, role: "region", "aria-label": "Value" });
  const choose = (build) => shown.replaceChildren(build());
  const choices = forms.map(([name, build], n) => h("label", {},
    h("input", { type: "radio", name: "form", value: name, checked: n === 0, onchange: () => choose(build) }), name));
  choose(forms[0][1]);
  return h("div", { class: "value" },
    h("fieldset", { class: "forms" }, h("legend", {}, "Show value as"), choices), shown);
}

function long(text) {
  let end = Math.min(text.length, TEXT_STEP);
  const pre = h("pre", { class: "text" }, text.slice(0, end));
  if (end === text.length) return pre;
  const more = button(`Show more of ${size(text.length)}`, () => {
    pre.append(text.slice(end, end + TEXT_STEP));
    end += TEXT_STEP;
    if (end >= text.length) more.remove();
  });
  return h("div", {}, pre, more);
}

function image(bytes, type) {
  const url = URL.createObjectURL(new Blob([bytes], { type }));
  const done = () => URL.revokeObjectURL(url);
  const broken = h("p", { class: "problem", hidden: true }, `These bytes are no ${type}. Hex shows them.`);
  const shown = h("img", { src: url, alt: "The value as an image", onload: () => {
    done();
    told.textContent = `${shown.naturalWidth} × ${shown.naturalHeight} pixels`;
  }, onerror: () => {
    done();
    shown.remove();
    broken.hidden = false;
  } });
  const told = h("p", { class: "note" });
  return h("div", {}, shown, told, broken);
}

function hex(bytes) {
  let end = 0;
  const pre = h("pre", { class: "hex" });
  const more = button("", () => grow());
  const grow = () => {
    pre.append(dump(bytes, end, Math.min(bytes.length, end + HEX_STEP)));
    end += HEX_STEP;
    if (end >= bytes.length) more.remove();
    else more.textContent = `Show more; ${size(bytes.length - end)} are left`;
  };
  const whole = h("div", {}, pre, more);
  grow();
  return whole;
}

// Lines of 16 bytes: offset, hexadecimal, and what of it is ASCII.
function dump(bytes, from, to) {
  let lines = "";
  for (let at = from; at < to; at += 16) {
    const row = [...bytes.subarray(at, Math.min(at + 16, to))];
    const digits = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const ascii = row.map((byte) => (byte > 0x1f && byte < 0x7f ? String.fromCharCode(byte) : "·")).join("");
    lines += `${at.toString(16).padStart(8, "0")}  ${digits.padEnd(47)}  ${ascii}\n`;
  }
  return lines;
}
