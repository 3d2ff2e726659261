import type { EnvRecord } from "./function.ts";
import type { Manifest } from "./manifest.ts";

/**
 * What of a function's values a deployment receives: all when its manifest lists no keys, else those
 * listed. A plan's `FunctionEnv` always holds all, since two deployments of one function may declare
 * different lists.
 */
export function declaredEnv(
  values: Readonly<Record<string, string>>,
  keys: readonly string[] | undefined,
): Readonly<Record<string, string>> {
  if (keys === undefined) return values;
  const declared = keys.filter((key) => Object.hasOwn(values, key));
  return Object.fromEntries(declared.map((key) => [key, values[key] ?? ""]));
}

/**
 * The variables in force for a function: those of its project, each replaced by the function's own
 * of the same key, whichever kind either is.
 */
export function resolveEnv(
  ofProject: readonly EnvRecord[],
  ofFunction: readonly EnvRecord[],
): readonly EnvRecord[] {
  const byKey = new Map<string, EnvRecord>();
  for (const record of [...ofProject, ...ofFunction]) byKey.set(record.key, record);
  return [...byKey.values()];
}

/** The keys of what a deployment receives of the function's variables, secrets included. */
export function receivedKeys(
  { envKeys, secretKeys }: Manifest,
  resolved: readonly EnvRecord[],
): readonly string[] {
  const received = resolved.filter(({ key, secret }) => {
    const declared = secret ? secretKeys : envKeys;
    return declared === undefined || declared.includes(key);
  });
  return received.map(({ key }) => key);
}

/** A declared key that cannot be given: not set at all, or set as the other kind. */
export interface UndeclaredKey {
  readonly key: string;
  readonly wanted: "env" | "secret";
  readonly found: "nothing" | "env" | "secret";
}

/** The keys that the manifest declares and the resolved env does not hold as that kind. */
export function missingEnvKeys(
  manifest: Manifest,
  resolved: readonly EnvRecord[],
): readonly UndeclaredKey[] {
  const kinds = new Map(
    resolved.map((record) => [record.key, record.secret ? "secret" : "env"] as const),
  );
  const missing = (
    keys: readonly string[] | undefined,
    wanted: "env" | "secret",
  ): UndeclaredKey[] =>
    (keys ?? [])
      .map((key) => ({ key, wanted, found: kinds.get(key) ?? ("nothing" as const) }))
      .filter(({ found }) => found !== wanted);
  return [...missing(manifest.envKeys, "env"), ...missing(manifest.secretKeys, "secret")];
}
