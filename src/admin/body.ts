import type { Clock } from "../base/clock.ts";
import { type JsonBounds, parseStrictJson, StrictJsonError } from "../base/strict-json.ts";
import { type ErrorCode, ReactorError } from "../domain/errors.ts";

export interface BodyLimits {
  readonly bytesMax: number;
  /** Longest gap between two pieces. */
  readonly idleMs: number;
  /** Code when the body is over `bytesMax`. */
  readonly overCode: Extract<ErrorCode, "payload_too_large" | "bundle_too_large">;
}

/**
 * Reads a request's body, holding never more than `bytesMax` of it: a larger one is refused by its
 * declared length, or as soon as what has come is over.
 */
export async function readBody(
  request: Request,
  limits: BodyLimits,
  clock: Clock,
): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > limits.bytesMax) throw overLimit(limits);
  const reader = request.body?.getReader();
  if (!reader) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await nextChunk(reader, limits.idleMs, clock);
    if (done) return join(chunks, length);
    length += value.byteLength;
    // The rest is not cancelled here: the listener discards it, so that the client, still
    // sending, gets to read the answer.
    if (length > limits.bytesMax) throw overLimit(limits);
    chunks.push(value);
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Chunk = Awaited<ReturnType<Reader["read"]>>;

function nextChunk(reader: Reader, idleMs: number, clock: Clock): Promise<Chunk> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(idleMs, () => {
      reject(
        new ReactorError(
          "invalid_request",
          `Cannot read the request body: nothing came for ${idleMs} ms`,
          { details: { body_idle_ms: idleMs } },
        ),
      );
    });
    reader
      .read()
      .then(resolve, (cause: unknown) => {
        // The server's own refusal says what was wrong with the body: its framing, or its silence.
        const broken = "Cannot read the request body: it broke off";
        reject(
          cause instanceof ReactorError
            ? cause
            : new ReactorError("invalid_request", broken, { cause }),
        );
      })
      .finally(() => timer.cancel());
  });
}

function overLimit({ bytesMax, overCode }: BodyLimits): ReactorError {
  return new ReactorError(overCode, `The request body is over the limit of ${bytesMax} bytes`, {
    details: { limit_bytes: bytesMax },
  });
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = chunks;
  if (chunks.length === 1 && first) return first;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

/** The media type of a Content-Type header: lower case, without parameters; empty when absent. */
export function mediaType(headers: Headers): string {
  return (headers.get("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

export function isJson(type: string): boolean {
  return type === "application/json" || /^application\/[a-z0-9.-]+\+json$/.test(type);
}

/** What a body of JSON may hold: more than an upload of as many files as a bundle may have. */
const jsonBounds: JsonBounds = { depthMax: 64, membersMax: 200_000 };

/**
 * Throws `invalid_request` when an object has the key `__proto__`: schemas leave it out in silence,
 * and a copy of what they give would get another prototype.
 */
export function refusePrototypeKey(value: unknown, pointer = ""): void {
  if (typeof value !== "object" || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    const at = `${pointer}/${key.slice(0, 80)}`;
    if (key === "__proto__" && !Array.isArray(value)) {
      throw new ReactorError("invalid_request", `The body must not have the key "__proto__"`, {
        details: { in: "body", pointer: at },
      });
    }
    refusePrototypeKey(part, at);
  }
}

/** The text as JSON without a key that is there twice; otherwise the error, with a JSON pointer. */
export function parseJson(
  bytes: Uint8Array,
  code: Extract<ErrorCode, "invalid_request" | "bundle_invalid"> = "invalid_request",
): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ReactorError(code, "The body is not valid UTF-8", {
      cause,
      details: { pointer: "" },
    });
  }
  try {
    return parseStrictJson(text, jsonBounds);
  } catch (cause) {
    if (cause instanceof StrictJsonError) {
      const { message, pointer } = cause;
      throw new ReactorError(code, `Cannot take the JSON of the body: ${message}`, {
        cause,
        details: { pointer },
      });
    }
    const why = cause instanceof Error ? cause.message : "unknown reason";
    throw new ReactorError(code, `The body is not valid JSON: ${why}`, {
      cause,
      details: { pointer: "" },
    });
  }
}
