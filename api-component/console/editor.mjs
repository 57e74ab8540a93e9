// Makes an item, or changes one: compare-and-set, always.
import { Problem } from "./api.mjs";
import { now } from "./clock.mjs";
import { resolve } from "./conflict.mjs";
import { button, field, h, show } from "./dom.mjs";
import { isJson, pretty } from "./json.mjs";
import { notice } from "./notice.mjs";
import { duration, plain, size, visible } from "./text.mjs";
import { asText } from "./value.mjs";
import { words, write } from "./writes.mjs";

const TYPES = ["text/plain; charset=utf-8", "application/json", "application/octet-stream", "text/markdown", "text/csv", "application/yaml", "image/png"];

// Edits `item`, or makes a new one with `id` and perhaps `file` for a start. Resolves to the id that was written, or null.
export async function edit({ item = null, id = item?.id ?? "", file = null }) {
  const text = item === null ? "" : asText(item.bytes);
  // A text area has no line ends but its own; theirs are put back where all are alike.
  const ends = lineEnds(text ?? "");
  let base = item;
  let written = null;
  let warned = false;

  const name = h("input", { value: id, required: true, spellcheck: "false", autocapitalize: "off", maxlength: 512 });
  const value = h("textarea", { rows: 14, spellcheck: "false", class: "code" });
  value.value = text ?? "";
  const start = value.value;
  const upload = h("input", { type: "file", onchange: () => taken(upload.files[0]) });
  const type = h("input", { value: item?.type ?? TYPES[0], list: "types", spellcheck: "false" });
  const keep = h("input", { type: "checkbox", checked: true, onchange: () => (ttl.disabled = keep.checked) });
  const ttl = h("input", { type: "number", min: 1, step: 1, placeholder: "for ever", disabled: Boolean(item?.expires) });
  const meta = h("textarea", { rows: 2, spellcheck: "false", class: "code", placeholder: "owner: ada" });
  meta.value = (item?.meta ?? []).map(([key, one]) => `${key}: ${one}`).join("\n");
  const chosen = h("p", { class: "note" });
  const status = h("p", { class: "note", role: "status" });
  const wrong = h("p", { class: "problem", role: "alert" });
  const save = h("button", { type: "submit", class: "main" }, "Save");
  const format = button("Lay out as JSON", () => {
    if (isJson(value.value)) value.value = pretty(value.value);
    else wrong.textContent = "The value is no JSON.";
  });

  function taken(one) {
    file = one ?? null;
    chosen.textContent = file === null ? "" : `The value is the file ${plain(file.name)}, ${size(file.size)}.`;
    value.disabled = file !== null;
    if (file === null) return;
    type.value = file.type || "application/octet-stream";
    if (item === null && (name.value === "" || /[/:.]$/.test(name.value))) name.value += file.name;
  }

  // What is to be written; a text area cannot hold bytes, so without a file those stay.
  async function mine() {
    const bytes = file !== null ? new Uint8Array(await file.arrayBuffer())
      : text === null || (item !== null && value.value === start) ? item.bytes
        : new TextEncoder().encode(ends === "\r\n" ? value.value.replaceAll("\n", "\r\n") : value.value);
    const left = item?.expires && keep.checked ? Math.max(1, Math.ceil((item.expires - now()) / 1000)) : Number(ttl.value) || null;
    return { bytes, type: checkedType(type.value), meta: checkedMeta(meta.value), ttl: left };
  }

  async function submit(event) {
    event?.preventDefault();
    if (save.disabled) return;
    wrong.textContent = "";
    save.disabled = true;
    try {
      await put(await mine());
    } catch (problem) {
      wrong.textContent = problem.message;
      status.textContent = "";
    }
    save.disabled = false;
  }

  async function put(content) {
    const condition = base === null ? { "if-none-match": "*" } : { "if-match": base.etag };
    const told = (entry) => (status.textContent = words(entry));
    const { outcome, ms } = await write("Put", "PUT", name.value, { condition, item: content, told });
    if (outcome === "rejected") {
      const { choice, theirs } = await resolve(name.value, content, base === null);
      base = theirs;
      status.textContent = choice === "edit" ? "Saving again replaces what you were just shown." : "";
      if (choice === "overwrite") await put(content);
      if (choice === "discard") done(name.value);
      return;
    }
    notice(`${plain(name.value)} is saved: ${outcome} after ${ms} ms.`);
    done(name.value);
  }

  const done = (what) => {
    written = what;
    box.close();
  };
  const dirty = () => file !== null || value.value !== start;
  const leave = (event) => {
    if (warned || !dirty()) {
      if (event.type !== "cancel") box.close();
      return;
    }
    event.preventDefault();
    warned = true;
    status.textContent = "What you changed is not saved. Once more, and it is dropped.";
  };
  const keys = (event) => {
    if ((event.ctrlKey || event.metaKey) && (event.key === "s" || event.key === "Enter")) {
      event.preventDefault();
      form.requestSubmit();
    }
  };

  const form = h("form", { onsubmit: submit },
    item === null ? field("Id", name) : null,
    text === null ? h("p", { class: "note" }, `The value is ${size(item.bytes.length)} of bytes that are no text. Choose a file to replace it.`)
      : field("Value", value, { mixed: "Line ends of both kinds are in it; saved, they are all LF.", "\r\n": "Its line ends are CRLF, and stay so.", "\n": undefined }[ends]),
    h("div", { class: "bar" }, field("Or a file", upload), text === null ? null : format), chosen,
    h("div", { class: "grid" }, field("Content type", type), h("datalist", { id: "types" }, TYPES.map((one) => h("option", { value: one }))),
      field("Time to live, seconds", ttl, item?.expires ? h("label", {}, keep, ` keep its end (in ${duration(item.expires - now())})`) : undefined)),
    field("Metadata", meta, "One a line, name: value."),
    wrong, status,
    h("div", { class: "buttons" }, save, button("Cancel", leave), h("small", {}, "Ctrl+S saves")));
  const box = h("dialog", { "aria-labelledby": "edit-title", oncancel: leave, onkeydown: keys },
    h("h2", { id: "edit-title" }, item === null ? "New item" : ["Edit ", visible(item.id)]), form);
  taken(file);
  await show(box);
  return written;
}

function lineEnds(text) {
  const both = (text.match(/\r\n/g) ?? []).length;
  const all = (text.match(/\r\n|\r|\n/g) ?? []).length;
  return text.includes("\r") ? (both === all ? "\r\n" : "mixed") : "\n";
}

function checkedType(type) {
  if (/^[\x20-\x7e]+$/.test(type)) return type;
  throw new Problem(0, "invalid-content-type", "Content type", "The content type must be printable ASCII, like text/plain.");
}

function checkedMeta(text) {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line) => {
    const [, key, value] = /^\s*([\w!#$%&'*+.^`|~-]+)\s*:\s*([\x20-\x7e]*?)\s*$/.exec(line) ?? [];
    if (key === undefined) throw new Problem(0, "invalid-metadata", "Metadata", `"${plain(line)}" must be a name, a colon and a text of printable ASCII.`);
    return [key, value];
  });
}
