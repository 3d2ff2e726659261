import { type JsonBounds, parseStrictJson, StrictJsonError } from "../base/strict-json.ts";
import { ReactorError } from "./errors.ts";

/** Names a manifest may have in the root of a bundle. */
const manifestFileNames = ["reactor.json", "flux.json", "manifest.json"] as const;
export type ManifestFileName = (typeof manifestFileNames)[number];

/** Largest manifest file that is read, in bytes. */
export const manifestBytesMax = 65_536;

/** No manifest that parses comes near. */
const jsonBounds: JsonBounds = { depthMax: 64, membersMax: manifestBytesMax };

/** Whether the path is that of a manifest; such a file is not part of the bundle's digest. */
export function isManifestFile(path: string): path is ManifestFileName {
  const names: readonly string[] = manifestFileNames;
  return names.includes(path);
}

/**
 * The manifest among the paths of a bundle; undefined when there is none. ReactorError
 * `manifest_invalid` when there are several, since one of them would be ignored.
 */
export function findManifestFile(paths: Iterable<string>): ManifestFileName | undefined {
  const found = [...paths].filter(isManifestFile).sort();
  if (found.length > 1) {
    throw new ReactorError(
      "manifest_invalid",
      `Cannot read the manifest: the bundle holds ${found.join(" and ")}; keep one of them`,
      { details: { pointer: "", files: found } },
    );
  }
  return found[0];
}

/** The JSON value of a manifest file's bytes; ReactorError `manifest_invalid` when it is none. */
export function readManifestJson(file: string, bytes: Uint8Array): unknown {
  if (bytes.length > manifestBytesMax) {
    throw new ReactorError(
      "manifest_invalid",
      `Cannot read ${file}: it has ${bytes.length} bytes, at most ${manifestBytesMax} are allowed`,
      { details: { pointer: "", file } },
    );
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return parseStrictJson(text, jsonBounds);
  } catch (cause) {
    if (cause instanceof StrictJsonError) {
      const { message, pointer } = cause;
      throw new ReactorError("manifest_invalid", `Cannot read ${file}: ${message}`, {
        cause,
        details: { pointer, file },
      });
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ReactorError("manifest_invalid", `Cannot read ${file}: it is not JSON: ${reason}`, {
      cause,
      details: { pointer: "", file },
    });
  }
}
