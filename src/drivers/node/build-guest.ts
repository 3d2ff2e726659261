import { join } from "node:path";
import { buildGuest } from "../javascript/build-guest.ts";

/** Builds the Node guest's single file. */
export function buildNodeGuest(): Promise<string> {
  return buildGuest({
    entry: join(import.meta.dirname, "guest.ts"),
    mark: "// node",
    target: "node20",
    // A CommonJS file starts before Node's module loader does, which boots in less time.
    format: "cjs",
    external: [],
  });
}
