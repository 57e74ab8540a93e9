// Follows the changes of the store: one stream at a time, taken up again where it ended.
import { Problem, ask } from "./api.mjs";

const REST = 1000;

// Follows those under `prefix` until `signal` says stop. Tells `on.change(change)`, `on.state(text)`, and `on.gap(text)`
// where changes were missed.
export async function follow(prefix, signal, on) {
  let cursor = null;
  let rest = REST;
  while (!signal.aborted) {
    try {
      on.state("Connecting …");
      for await (const line of lines(prefix, cursor, signal)) {
        rest = REST;
        on.state("Following");
        if (line.problem) throw new Problem(line.problem.status, line.problem.type, line.problem.title, line.problem.detail);
        if (line.cursor) cursor = line.cursor;
        else on.change(line);
      }
    } catch (problem) {
      if (signal.aborted) return;
      if (problem.status === 410) {
        cursor = null;
        on.gap("Some changes are missing here: the store no longer keeps them.");
      } else if (problem.status >= 400 && problem.status < 500 && problem.status !== 429) {
        on.state(`Stopped: ${problem.message}`);
        return;
      } else {
        on.state(`Interrupted: ${problem.message ?? problem}`);
      }
      await new Promise((resolve) => setTimeout(resolve, rest));
      rest = Math.min(rest * 2, 30000);
    }
  }
}

async function* lines(prefix, cursor, signal) {
  const query = new URLSearchParams({ follow: true, prefix });
  if (cursor !== null) query.set("since", cursor);
  const response = await ask("GET", `/changes?${query}`, { signal, headers: { accept: "application/x-ndjson" } });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    for (const part of parts) if (part !== "") yield JSON.parse(part);
  }
}
