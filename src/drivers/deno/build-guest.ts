import { join } from "node:path";
import { buildGuest } from "../javascript/build-guest.ts";

/** Builds the guest of a Deno process as a single file. */
export function buildDenoGuest(): Promise<string> {
  return build("guest.ts");
}

/** Builds a pod as a single file, with the guest of its workers inside as text. */
export async function buildPodGuest(): Promise<string> {
  const workerGuestSource = JSON.stringify(await build("worker-guest.ts"));
  return build("pod-guest.ts", { workerGuestSource });
}

function build(entry: string, define: Readonly<Record<string, string>> = {}): Promise<string> {
  return buildGuest({
    entry: join(import.meta.dirname, entry),
    mark: "// deno",
    target: "esnext",
    format: "esm",
    external: [],
    define,
  });
}
