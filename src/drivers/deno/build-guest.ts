import { join } from "node:path";
import { buildGuest } from "../javascript/build-guest.ts";

/** Builds the guest of a Deno process as a single file. */
export function buildDenoGuest(): Promise<string> {
  return buildGuest({
    entry: join(import.meta.dirname, "guest.ts"),
    mark: "// deno",
    target: "esnext",
    format: "esm",
    external: [],
  });
}
