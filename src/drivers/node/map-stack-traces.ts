import { type SourceMap as Map, SourceMap, type SourceMapPayload } from "node:module";

const mark = Buffer.from("//# sourceMappingURL=data:application/json;base64,");

/** The guest's own file, whose frames tell an author nothing. */
const guestPath = process.argv[1];

/** Splits a bundled module from the source map at its end, which Node would read with every import. */
export function inlineMapOf(code: Uint8Array): {
  readonly module: Uint8Array;
  readonly map: Buffer | undefined;
} {
  const bytes = Buffer.from(code.buffer, code.byteOffset, code.byteLength);
  const at = bytes.lastIndexOf(mark);
  if (at === -1) return { module: bytes, map: undefined };
  // A copy, since `code` is only valid during the call.
  return { module: bytes.subarray(0, at), map: Buffer.from(bytes.subarray(at + mark.length)) };
}

/**
 * Makes stack traces name the author's files and lines instead of those of the module at `url`. The
 * map is read when the first trace is: Node's own `--enable-source-maps` reads it with every import
 * and names files by where the module happened to lie. Returns what does the same for errors whose
 * place stands in their text, such as those of linking.
 */
export function mapStackTraces(url: string, inlineMap: Buffer): (error: unknown) => unknown {
  let map: Map | undefined;
  const placeOf = (line: number, column: number): string | undefined => {
    map ??= readMap(inlineMap);
    const entry = map.findEntry(line - 1, column - 1);
    if (!("originalSource" in entry)) return undefined;
    return `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  };
  Error.prepareStackTrace = (error, frames) => {
    const theirs = frames.filter((frame) => frame.getFileName() !== guestPath);
    const lines = theirs.map((frame) => `\n    at ${mappedFrame(frame, url, placeOf)}`);
    return titleOf(error) + lines.join("");
  };
  return (error) => {
    if (!(error instanceof Error) || typeof error.stack !== "string") return error;
    const [, line] = error.stack.match(`^${url}:(\\d+)\\n`) ?? [];
    const place = line === undefined ? undefined : placeOf(Number(line), 1);
    if (place !== undefined) error.stack = error.stack.replace(`${url}:${line}`, () => place);
    return error;
  };
}

function readMap(inlineMap: Buffer): Map {
  const payload: SourceMapPayload = JSON.parse(
    Buffer.from(inlineMap.toString("latin1"), "base64").toString("utf8"),
  );
  return new SourceMap(payload);
}

/** What is asked of one of V8's call sites. */
interface Frame extends Pick<NodeJS.CallSite, "getFileName" | "getLineNumber" | "getColumnNumber"> {
  toString(): string;
}

function mappedFrame(
  frame: Frame,
  url: string,
  placeOf: (line: number, column: number) => string | undefined,
): string {
  const text = frame.toString();
  const line = frame.getLineNumber();
  const column = frame.getColumnNumber();
  if (line === null || column === null || frame.getFileName() !== url) return text;
  const place = placeOf(line, column);
  return place === undefined ? text : text.replace(`${url}:${line}:${column}`, () => place);
}

/** As the language's own Error.prototype.toString, which an error's class may have replaced by worse. */
function titleOf(error: Error): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return "<error>";
  }
}
