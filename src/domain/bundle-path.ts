import { ReactorError } from "./errors.ts";

const bundlePathBytesMax = 512;
const bundleDepthMax = 32;

const encoder = new TextEncoder();
const controlCharacter = /\p{Cc}/u;

/**
 * Checks the path of a file or folder in a bundle and returns it without a leading `./` and a
 * trailing `/`; the root itself is "". ReactorError `bundle_invalid` for anything that is not a
 * plain relative path with forward slashes, at most 512 bytes and 32 levels deep.
 */
export function parseBundlePath(raw: string): string {
  const path = raw.replace(/^(?:\.\/)+/, "").replace(/\/$/, "");
  if (path === "." || (path === "" && raw !== "" && raw !== "/")) return "";
  const fault = faultOf(raw, path);
  if (fault === undefined) return path;
  throw new ReactorError("bundle_invalid", `Cannot take the path ${shown(raw)}: ${fault}`, {
    details: { path: raw.slice(0, bundlePathBytesMax) },
  });
}

function faultOf(raw: string, path: string): string | undefined {
  if (raw === "") return "it is empty";
  if (raw.startsWith("/")) return "it is absolute; paths must be relative to the bundle's root";
  if (raw.includes("\\")) return "it has a backslash; use forward slashes";
  if (/^[A-Za-z]:/.test(raw)) return "it starts with a drive letter; paths must be relative";
  if (controlCharacter.test(raw)) return "it has a NUL or another control character";
  if (raw.includes("\ufffd") || !raw.isWellFormed()) return "it is not valid UTF-8";
  if (encoder.encode(raw).length > bundlePathBytesMax) {
    return `it is longer than ${bundlePathBytesMax} bytes`;
  }
  const segments = path.split("/");
  if (segments.length > bundleDepthMax) return `it is deeper than ${bundleDepthMax} levels`;
  if (segments.includes("..")) return "it has a `..` segment and would leave the bundle";
  if (segments.includes(".") || segments.includes("")) {
    return "it has an empty or `.` segment; write it in its shortest form";
  }
  return undefined;
}

/** Remembers the paths of one bundle and refuses those that some file system could not tell apart. */
export interface BundlePaths {
  /** ReactorError `bundle_invalid` when the file collides with one added before. */
  addFile(path: string): void;
  addFolder(path: string): void;
}

export function createBundlePaths(): BundlePaths {
  const seen = new Map<string, { readonly path: string; readonly kind: "file" | "folder" }>();
  const add = (path: string, kind: "file" | "folder"): void => {
    const folded = path.normalize("NFC").toUpperCase().toLowerCase();
    const other = seen.get(folded);
    if (other === undefined) {
      seen.set(folded, { path, kind });
      return;
    }
    if (kind === "folder" && other.kind === "folder" && other.path === path) return;
    throw new ReactorError("bundle_invalid", collision(path, kind, other), {
      details: { path, other: other.path },
    });
  };
  const addParents = (path: string): void => {
    for (let end = path.indexOf("/"); end !== -1; end = path.indexOf("/", end + 1)) {
      add(path.slice(0, end), "folder");
    }
  };
  return {
    addFile(path) {
      addParents(path);
      add(path, "file");
    },
    addFolder(path) {
      if (path === "") return;
      addParents(path);
      add(path, "folder");
    },
  };
}

function collision(
  path: string,
  kind: string,
  other: { readonly path: string; readonly kind: string },
): string {
  if (path !== other.path) {
    return `Cannot take ${shown(path)}: it differs from ${shown(other.path)} only in case or Unicode form; rename one`;
  }
  return kind === other.kind
    ? `Cannot take ${shown(path)}: the bundle holds it twice`
    : `Cannot take ${shown(path)}: it is both a file and a folder`;
}

function shown(path: string): string {
  return JSON.stringify(path.length > 120 ? `${path.slice(0, 120)}…` : path);
}
