import { invalidBundle } from "./bundle-limits.ts";

/**
 * Keys that change what an entry is, rather than say when and by whom it was made. A path is used, a
 * size may repeat the header's; the others are refused, since readers disagree about them and nothing
 * within the bounds needs them.
 */
const refusedKeys: ReadonlySet<string> = new Set(["linkpath", "hdrcharset"]);

/** What pax records may say of an entry. */
export interface PaxOverrides {
  readonly path: string | undefined;
  /** Must be what the header says: archives of older npm versions repeat it. */
  readonly bytes: number | undefined;
}

/**
 * What the pax records of an extended header say of its entry. Times, owners,
 * comments and attributes are not kept of any archive and may be there. ReactorError
 * `bundle_invalid` for records that are malformed, repeat a key or override anything else.
 */
export function readPaxRecords(body: Uint8Array): PaxOverrides {
  const seen = new Set<string>();
  let path: string | undefined;
  let bytes: number | undefined;
  for (let at = 0; at < body.length; ) {
    const { key, value, end } = readRecord(body, at);
    if (seen.has(key)) throw malformed(`the key "${key}" is there twice`);
    seen.add(key);
    if (refusedKeys.has(key)) throw malformed(`"${key}" may not be overridden`);
    if (key.startsWith("GNU.sparse.")) {
      throw malformed("it describes a sparse file; pack it without --sparse");
    }
    if (key === "path") {
      if (value === "") throw malformed("its path is empty");
      path = value;
    }
    if (key === "size") {
      if (!/^(?:0|[1-9]\d{0,14})$/.test(value)) throw malformed("its size is no plain number");
      bytes = Number(value);
    }
    at = end;
  }
  return { path, bytes };
}

/** One record: `length key=value LF`, the length in decimal and of the whole record. */
function readRecord(
  body: Uint8Array,
  at: number,
): { readonly key: string; readonly value: string; readonly end: number } {
  const space = body.indexOf(0x20, at);
  const digits = space === -1 ? "" : latin1(body.subarray(at, Math.min(space, at + 8)));
  const length = /^[1-9][0-9]{0,6}$/.test(digits) ? Number(digits) : 0;
  const end = at + length;
  if (length === 0 || end > body.length || end <= space + 1 || body[end - 1] !== 0x0a) {
    throw malformed("a record has a wrong length");
  }
  const equals = body.indexOf(0x3d, space + 1);
  if (equals === -1 || equals >= end) throw malformed("a record has no value");
  const key = decode(body.subarray(space + 1, equals));
  if (key === "") throw malformed("a record has no key");
  const raw = body.subarray(equals + 1, end - 1);
  // Values of other keys may be binary (extended attributes); only these have to be text.
  return { key, value: key === "path" || key === "size" ? decode(raw) : "", end };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalidBundle("a pax header of the tar is not valid UTF-8", cause);
  }
}

function malformed(reason: string): Error {
  return invalidBundle(`a pax header of the tar is refused: ${reason}`);
}
