import type { LockedPackage } from "./npm/lock-tree.ts";

/** What functions run on, in the words that packages use. */
export interface Platform {
  /** As `process.platform`. */
  readonly os: string;
  /** As `process.arch`. */
  readonly cpu: string;
  readonly libc: "glibc" | "musl";
  /** `2.36`. */
  readonly libcVersion: string;
}

/** Why a package is not for this platform, e.g. `for os darwin only`; undefined when it is. */
export function misfit(
  { os, cpu, libc }: Pick<LockedPackage, "os" | "cpu" | "libc">,
  platform: Platform,
): string | undefined {
  if (!fits(os, platform.os)) return `for os ${os.join(", ")} only`;
  if (!fits(cpu, platform.cpu)) return `for cpu ${cpu.join(", ")} only`;
  if (platform.os === "linux" && !fits(libc, platform.libc))
    return `for libc ${libc.join(", ")} only`;
  return undefined;
}

/** A list says which ones, or with `!` which ones not; an empty list is for all. */
function fits(list: readonly string[], value: string): boolean {
  if (list.includes(`!${value}`)) return false;
  const named = list.filter((item) => !item.startsWith("!") && item !== "any");
  return named.length === 0 || named.includes(value);
}
