import { ReactorError } from "./errors.ts";
import type { Manifest } from "./manifest.ts";
import { nearestKey } from "./nearest-key.ts";
import { runtimeLimits } from "./runtime-limits.ts";

const stems = ["code/index", "index", "handler", "main"] as const;

/**
 * The manifest with its entry point found among the bundle's files: the one it names, or the first
 * of `code/index.*`, `index.*`, `handler.*`, `main.*` that the runtime can run. ReactorError
 * `manifest_invalid` when the named one is missing or cannot be run, `bundle_invalid` when nothing
 * fits.
 */
export function resolveEntrypoint(
  manifest: Manifest,
  files: ReadonlyMap<string, Uint8Array>,
): Manifest & { readonly entrypoint: string } {
  const endings: readonly string[] = runtimeLimits[manifest.runtime].entrypointEndings;
  const entrypoint = manifest.entrypoint;
  if (entrypoint === undefined) {
    return Object.freeze({ ...manifest, entrypoint: firstEntrypoint(manifest, files, endings) });
  }
  if (!files.has(entrypoint)) {
    const nearest = nearestKey(entrypoint, files.keys());
    throw invalidEntrypoint(
      `Cannot find the entry point "${entrypoint}" in the bundle${nearest === undefined ? "" : `; the nearest file is "${nearest}"`}`,
    );
  }
  if (!endings.some((ending) => entrypoint.endsWith(ending))) {
    throw invalidEntrypoint(
      `Cannot run "${entrypoint}" with ${manifest.runtime}: it must end in ${endings.join(", ")}`,
    );
  }
  return Object.freeze({ ...manifest, entrypoint });
}

function firstEntrypoint(
  manifest: Manifest,
  files: ReadonlyMap<string, Uint8Array>,
  endings: readonly string[],
): string {
  for (const stem of stems) {
    for (const ending of endings) {
      if (files.has(stem + ending)) return stem + ending;
    }
  }
  throw new ReactorError(
    "bundle_invalid",
    `Cannot find an entry point for ${manifest.runtime}: the bundle has none of ${stems.map((stem) => `${stem}.*`).join(", ")} ending in ${endings.join(", ")}; add one or name it as "entrypoint" in the manifest`,
  );
}

function invalidEntrypoint(message: string): ReactorError {
  return new ReactorError("manifest_invalid", message, { details: { pointer: "/entrypoint" } });
}
