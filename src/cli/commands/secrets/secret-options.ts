import type { ReactorClient } from "../../../client/client.ts";
import type { EnvResource } from "../../../client/resources.ts";

/** Whose secrets are meant. */
export const ownerOption = {
  function: { value: "name", summary: "Secrets of this function; without it the project's" },
} as const;

export const keyArgument = { summary: "Name: A-Z first, then A-Z, 0-9 and _" } as const;

/** `create_todo`, or `the project`. */
export function describeOwner(name: string | undefined): string {
  return name ?? "the project";
}

/** The flag that names the owner again, with the space before it. */
export function ownerFlag(name: string | undefined): string {
  return name === undefined ? "" : ` --function ${name}`;
}

/** The secrets of the function, or those of the project, without their values. */
export async function secretsOf(
  reactor: ReactorClient,
  name: string | undefined,
  signal: AbortSignal,
): Promise<readonly EnvResource[]> {
  const items =
    name === undefined
      ? await reactor.listProjectEnv({ signal })
      : await reactor.listEnv(name, { signal });
  return items.filter((item) => item.secret);
}

const units = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
] as const;

/** How long ago it was set: `3d`, `2h`, `5m`, `12s`. */
export function describeAge(item: EnvResource, nowMs: number): string {
  const ageMs = Math.max(0, nowMs - new Date(item.updated_at).getTime());
  for (const [unit, unitMs] of units) {
    if (ageMs >= unitMs) return `${Math.floor(ageMs / unitMs)}${unit}`;
  }
  return `${Math.floor(ageMs / 1000)}s`;
}
