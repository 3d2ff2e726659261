import { join } from "node:path";
import { buildGuest } from "../javascript/build-guest.ts";

/** Builds the Bun guest's single file. */
export function buildBunGuest(): Promise<string> {
  return buildGuest({
    entry: join(import.meta.dirname, "guest.ts"),
    // Bun runs files with this mark as they are instead of transpiling them once more.
    mark: "// @bun",
    target: "esnext",
    format: "esm",
    external: ["bun", "bun:*"],
  });
}
