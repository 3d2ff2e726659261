import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { ProvenRuntime } from "./runtime-promise.ts";

const folder = path.join(import.meta.dirname, "attacks");
const replacement = "kernel-attacks-bun.js";

/** The source of the function that attacks on a runtime: its files by path. */
export function attackFiles(runtime: ProvenRuntime): ReadonlyMap<string, Uint8Array> {
  const language = runtime === "python" ? "python" : "javascript";
  const names = readdirSync(path.join(folder, language)).filter((name) => /\.(js|py)$/.test(name));
  const files = new Map(
    names.map((name) => [name, readFileSync(path.join(folder, language, name))] as const),
  );
  const ofBun = files.get(replacement);
  files.delete(replacement);
  if (runtime === "bun" && ofBun !== undefined) files.set("kernel-attacks.js", ofBun);
  return files;
}
