import { ReactorError } from "./errors.ts";

const bundlePathBytesMax = 512;
const bundleDepthMax = 32;

const encoder = new TextEncoder();
const controlCharacter = /\p{Cc}/u;
/** Characters that show nothing, and that some file systems leave out of names. */
const ignorableCharacters = /\p{Default_Ignorable_Code_Point}/gu;
/** Names that Windows gives to devices in every folder, whatever follows their first dot. */
const deviceName = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\.|$)/i;

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
  if (segments.some((segment) => /[. ]$/.test(segment))) {
    return "a segment ends in a dot or a space, which Windows leaves out; rename it";
  }
  if (segments.some((segment) => deviceName.test(segment))) {
    return "it has a segment that names a device on Windows; rename it";
  }
  return undefined;
}

/** Remembers the paths of one bundle and refuses those that some file system could not tell apart. */
export interface BundlePaths {
  /** ReactorError `bundle_invalid` when the file collides with one added before. */
  addFile(path: string): void;
  addFolder(path: string): void;
  /** Files and folders so far, with those that only paths name. */
  readonly count: number;
}

export function createBundlePaths(): BundlePaths {
  const seen = new Map<string, { readonly path: string; readonly kind: "file" | "folder" }>();
  const folders = new Set<string>();
  const add = (path: string, kind: "file" | "folder"): void => {
    const folded = foldPath(path);
    const other = seen.get(folded);
    if (other === undefined) {
      seen.set(folded, { path, kind });
      if (kind === "folder") folders.add(path);
      return;
    }
    if (kind === "folder" && other.kind === "folder" && other.path === path) return;
    throw new ReactorError("bundle_invalid", collision(path, kind, other), {
      details: { path, other: other.path },
    });
  };
  const addParents = (path: string): void => {
    // From the inside out, up to a folder that is known: its own parents are known as well.
    const unknown: string[] = [];
    for (let end = path.lastIndexOf("/"); end !== -1; end = path.lastIndexOf("/", end - 1)) {
      const parent = path.slice(0, end);
      if (folders.has(parent)) break;
      unknown.push(parent);
    }
    for (const parent of unknown.toReversed()) add(parent, "folder");
  };
  return {
    get count() {
      return seen.size;
    },
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

/**
 * What a path is to a file system that tells neither case nor Unicode forms apart. Down, up and
 * down again, since one step alone keeps `ẞ` from `ß` and `ſ` from `s`; NFD between, since a change of
 * case can compose differently.
 */
function foldPath(path: string): string {
  const plain = path.normalize("NFD").replace(ignorableCharacters, "");
  return plain.toLowerCase().toUpperCase().toLowerCase().normalize("NFD");
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
