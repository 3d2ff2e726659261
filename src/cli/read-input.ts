import type { Readable } from "node:stream";
import { UsageError } from "./usage-error.ts";

/** A stream to its end. Throws UsageError beyond `bytesMax`. */
export async function readAll(stream: Readable, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    const part = typeof chunk === "string" ? Buffer.from(chunk) : (chunk as Uint8Array);
    bytes += part.length;
    if (bytes > bytesMax) throw new UsageError(`stdin holds more than ${bytesMax} bytes`);
    chunks.push(part);
  }
  return Buffer.concat(chunks);
}

/** A value from stdin: UTF-8 text without the one line break that `echo` adds. */
export async function readValue(stream: Readable, bytesMax: number): Promise<string> {
  const bytes = await readAll(stream, bytesMax);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).replace(/\r?\n$/, "");
  } catch (cause) {
    if (cause instanceof TypeError) throw new UsageError("stdin is not UTF-8 text");
    throw cause;
  }
}
