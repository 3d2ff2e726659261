/**
 * Neighbours in a process of their own, so that what they cost their clients is not taken for the
 * victim's latency: `bun neighbours-apart.ts <port> <seconds> <name>…` runs them until stdin ends.
 */
import { setPriority } from "node:os";
import { everyNeighbour, type StartNeighbour } from "./neighbours.ts";

/** They stand for other machines, so they give way to everything on this one. */
const niceness = 10;
const startedMark = "started";

/** The neighbours of these names as one, in another process. */
export function neighboursApart(names: readonly string[]): StartNeighbour {
  return async (port, seconds) => {
    const child = Bun.spawn(
      [process.execPath, import.meta.path, String(port), String(seconds), ...names],
      { stdin: "pipe", stdout: "pipe", stderr: "inherit" },
    );
    const lines = linesOf(child.stdout);
    const { value: first } = await lines.next();
    if (first !== startedMark) throw new Error(`The neighbours did not start: ${String(first)}`);
    return {
      async stop() {
        await child.stdin.end();
        const { value: last } = await lines.next();
        await child.exited;
        return JSON.parse(String(last)) as Record<string, number>;
      },
    };
  };
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
  return undefined;
}

async function main(port: number, seconds: number, names: readonly string[]): Promise<void> {
  setPriority(niceness);
  const neighbour = await everyNeighbour(names)(port, seconds);
  console.log(startedMark);
  await Bun.stdin.text();
  console.log(JSON.stringify(await neighbour.stop()));
  process.exit(0);
}

if (import.meta.main) {
  const [port, seconds, ...names] = process.argv.slice(2);
  await main(Number(port), Number(seconds), names);
}
