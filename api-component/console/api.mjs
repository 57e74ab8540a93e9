// The store's public API, as everybody can use it; nothing here goes anywhere else.
import { adjust } from "./clock.mjs";
import * as token from "./token.mjs";

// Why a request was not done, as the store says it (RFC 9457), or why there is no answer.
export class Problem extends Error {
  constructor(status, type, title, detail, retryAfter = null) {
    super(detail || title);
    Object.assign(this, { status, kind: type.replace("urn:larder:problem:", ""), title, retryAfter });
  }

  static async of(response) {
    const wait = Number(response.headers.get("retry-after")) || null;
    const document = await response.json().catch(() => ({}));
    const title = document.title ?? `${response.status} ${response.statusText}`;
    return new Problem(response.status, document.type ?? "", title, document.detail ?? `The answer is ${title}.`, wait);
  }
}

const UNREACHABLE = "There is no answer from the store. Is it running, and is the network there?";

// Sends a request, with the token; asks for one where the store does. Answers that are no success are thrown.
export async function ask(method, path, { headers = {}, body, signal, quiet = false } = {}) {
  for (;;) {
    const bearer = token.current();
    const authorized = bearer === null ? headers : { ...headers, authorization: `Bearer ${bearer}` };
    let response;
    try {
      response = await fetch(path, { method, headers: authorized, body, signal, cache: "no-store", credentials: "omit" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem(0, "unreachable", "No answer", UNREACHABLE);
    }
    adjust(response.headers);
    if (response.ok) return response;
    const problem = await Problem.of(response);
    // While this request was under way another may have got a token.
    const renewed = response.status === 401 && !quiet && (token.current() !== bearer || (await token.request(problem.message)));
    if (!renewed) throw problem;
  }
}

// The path of an item. A browser resolves "." and ".." as steps, however they are written.
export function itemPath(id) {
  if (id === "." || id === "..") {
    throw new Problem(0, "no-path", "Out of a browser's reach", `A browser cannot ask for an item called "${id}". Use the command line, or POST /items/get.`);
  }
  return `/items/${encodeURIComponent(id.toWellFormed())}`;
}

// A page of a listing: {items, prefixes, cursor}.
export async function list({ prefix, delimiter, cursor, limit }, signal) {
  const query = new URLSearchParams({ prefix, limit, values: "meta" });
  if (delimiter !== "") query.set("delimiter", delimiter);
  if (cursor) query.set("cursor", cursor);
  const page = await (await ask("GET", `/items?${query}`, { signal })).json();
  return { prefixes: [], cursor: null, ...page };
}

// What is known of an item without its value, or with it as `bytes`.
export async function read(id, method = "GET", signal) {
  const response = await ask(method, itemPath(id), { signal, quiet: method === "HEAD" });
  const { headers } = response;
  const expires = headers.get("larder-expires-at");
  const prefix = "larder-meta-";
  const meta = [...headers].filter(([name]) => name.startsWith(prefix)).map(([name, value]) => [name.slice(prefix.length), value]);
  return {
    id,
    meta,
    etag: headers.get("etag"),
    revision: (headers.get("etag") ?? "").replaceAll('"', ""),
    type: headers.get("content-type") ?? "application/octet-stream",
    modified: new Date(headers.get("last-modified") ?? Date.now()),
    expires: expires === null ? null : new Date(expires),
    head: [...headers],
    size: Number(headers.get("content-length") ?? 0),
    bytes: method === "HEAD" ? null : new Uint8Array(await response.arrayBuffer()),
  };
}

// Hands a write over without waiting for it, and tells its revision. It has a key, so that one of which the
// outcome is unknown is sent again and written once.
export async function write(method, id, { condition, item }) {
  const headers = { prefer: "respond-async", "idempotency-key": `"${randomKey()}"`, ...condition };
  let path = itemPath(id);
  if (item) {
    headers["content-type"] = item.type;
    for (const [name, value] of item.meta) headers[`larder-meta-${name}`] = value;
    if (item.ttl) path += `?ttl=${item.ttl}`;
  }
  for (let attempt = 1; ; attempt += 1) {
    try {
      const response = await ask(method, path, { headers, body: item?.bytes });
      return response.headers.get("larder-revision") ?? (await response.json()).revision;
    } catch (problem) {
      if (!["unreachable", "outcome-unknown"].includes(problem.kind) || attempt === 4) throw problem;
      await new Promise((resolve) => setTimeout(resolve, 500 * attempt));
    }
  }
}

// What became of a write: {outcome, reason}.
export async function outcome(revision, id) {
  return (await ask("GET", `/writes/${encodeURIComponent(revision)}?${new URLSearchParams({ id })}`)).json();
}

function randomKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
