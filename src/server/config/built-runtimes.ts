import type { Runtime } from "../../domain/manifest.ts";

/** Runtimes that this version has a driver for. */
export const builtRuntimes: readonly Runtime[] = ["bun", "node", "deno", "python"];

/** The runtimes to enable: those that are configured and built, each once. */
export function enabledRuntimes(configured: readonly string[]): readonly Runtime[] {
  const wanted = configured.map(runtimeOf);
  return builtRuntimes.filter((runtime) => wanted.includes(runtime));
}

/** `javascript` and `typescript` are other names of `bun`, as in a manifest. */
export function runtimeOf(name: string): string {
  return name === "javascript" || name === "typescript" ? "bun" : name;
}
