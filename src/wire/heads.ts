import { WireError } from "./wire-error.ts";

/**
 * Heads travel as Latin-1 text whose fields are joined by NUL, a character that neither a URL nor
 * a header may hold; joining and splitting are native and cheaper than JSON both ways.
 */
export interface RequestHead {
  readonly invocationId: string;
  readonly requestId: string;
  readonly method: string;
  /** Absolute URL as the function sees it. */
  readonly url: string;
  /** Epoch milliseconds at which the platform gives up on the response head. */
  readonly deadlineMs: number;
  /** JSON of the authenticated caller in ASCII, or "" for none. */
  readonly caller: string;
  /** Flat list: name, value, name, value, … */
  readonly headers: readonly string[];
}

export interface ResponseHead {
  readonly status: number;
  /** Flat list: name, value, name, value, … Not yet checked for CR, LF and the like. */
  readonly headers: readonly string[];
}

const requestFields = 6;

export function encodeRequestHead(head: RequestHead): string {
  const fixed = `${head.invocationId}\0${head.requestId}\0${head.method}\0${head.url}\0${head.deadlineMs}\0${head.caller}`;
  return head.headers.length === 0 ? fixed : `${fixed}\0${head.headers.join("\0")}`;
}

export function decodeRequestHead(text: string): RequestHead {
  const fields = text.split("\0");
  if (fields.length < requestFields || fields.length % 2 !== 0) {
    throw new WireError("bad_frame", `Request head has ${fields.length} fields`);
  }
  const deadlineMs = Number(fields[4]);
  if (Number.isNaN(deadlineMs)) throw new WireError("bad_frame", "Request head has no deadline");
  return {
    invocationId: fields[0] as string,
    requestId: fields[1] as string,
    method: fields[2] as string,
    url: fields[3] as string,
    deadlineMs,
    caller: fields[5] as string,
    headers: fields.slice(requestFields),
  };
}

export function encodeResponseHead(head: ResponseHead): string {
  return head.headers.length === 0
    ? String(head.status)
    : `${head.status}\0${head.headers.join("\0")}`;
}

export function decodeResponseHead(text: string): ResponseHead {
  const status = statusOf(text);
  // Three digits, then either nothing or NUL and the fields; cutting beats splitting and shifting.
  const headers = text.length === 3 ? [] : text.slice(4).split("\0");
  if (status < 100 || (text.length > 3 && text.charCodeAt(3) !== 0) || headers.length % 2 !== 0) {
    throw new WireError("bad_frame", "Response head is malformed");
  }
  return { status, headers };
}

/** The number that the first three characters are, or 0. */
function statusOf(text: string): number {
  const hundreds = text.charCodeAt(0) - 48;
  const tens = text.charCodeAt(1) - 48;
  const ones = text.charCodeAt(2) - 48;
  const digits = isDigit(hundreds) && isDigit(tens) && isDigit(ones);
  return digits ? hundreds * 100 + tens * 10 + ones : 0;
}

function isDigit(value: number): boolean {
  return value >= 0 && value <= 9;
}

/** How many body bytes came with a head. Throws `bad_frame` when the payload is too short. */
export function headPayloadBodyBytes(payload: Buffer): number {
  const headBytes = payload.length >= 4 ? payload.readUInt32LE(0) : -1;
  if (headBytes < 0 || 4 + headBytes > payload.length) {
    throw new WireError("bad_frame", "Head frame is shorter than its head");
  }
  return payload.length - 4 - headBytes;
}

/** Splits the payload of a head frame into the head's text and the body bytes that came with it. */
export function splitHeadPayload(payload: Buffer): { head: string; body: Buffer } {
  const bodyAt = payload.length - headPayloadBodyBytes(payload);
  return { head: payload.toString("latin1", 4, bodyAt), body: payload.subarray(bodyAt) };
}
