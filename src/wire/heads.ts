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

let knownDeadlineMs = -1;
let knownDeadline = "";

/** Requests of one turn share their deadline mostly. */
function deadlineText(deadlineMs: number): string {
  if (deadlineMs !== knownDeadlineMs) {
    knownDeadlineMs = deadlineMs;
    knownDeadline = String(deadlineMs);
  }
  return knownDeadline;
}

/** How many bytes `writeRequestHead` writes. */
export function requestHeadBytes(head: RequestHead): number {
  const { invocationId, requestId, method, url, caller, headers, deadlineMs } = head;
  let bytes = invocationId.length + requestId.length + method.length + url.length + caller.length;
  bytes += deadlineText(deadlineMs).length + requestFields - 1;
  for (let i = 0; i < headers.length; i++) bytes += (headers[i] as string).length + 1;
  return bytes;
}

/**
 * Writes the head's bytes from `at` and returns where they end. Field by field in JavaScript: on Bun
 * that takes half of what joining a text and encoding it takes.
 */
export function writeRequestHead(head: RequestHead, into: Uint8Array, at: number): number {
  const { headers } = head;
  let end = writeLatin1(head.invocationId, into, at);
  end = writeField(head.requestId, into, end);
  end = writeField(head.method, into, end);
  end = writeField(head.url, into, end);
  end = writeField(deadlineText(head.deadlineMs), into, end);
  end = writeField(head.caller, into, end);
  for (let i = 0; i < headers.length; i++) end = writeField(headers[i] as string, into, end);
  return end;
}

function writeField(text: string, into: Uint8Array, at: number): number {
  into[at] = 0;
  return writeLatin1(text, into, at + 1);
}

function writeLatin1(text: string, into: Uint8Array, at: number): number {
  const { length } = text;
  for (let i = 0; i < length; i++) into[at + i] = text.charCodeAt(i);
  return at + length;
}

/**
 * Reads a request's head. The headers are split when they are first asked for, since many functions
 * never do. Throws `bad_frame` when fields are missing, `headers` when a value is.
 */
export function decodeRequestHead(text: string): RequestHead {
  const requestIdAt = text.indexOf("\0") + 1;
  const methodAt = text.indexOf("\0", requestIdAt) + 1;
  const urlAt = text.indexOf("\0", methodAt) + 1;
  const deadlineAt = text.indexOf("\0", urlAt) + 1;
  const callerAt = text.indexOf("\0", deadlineAt) + 1;
  if (requestIdAt === 0 || methodAt === 0 || urlAt === 0 || deadlineAt === 0 || callerAt === 0) {
    throw new WireError("bad_frame", `Request head has fewer than ${requestFields} fields`);
  }
  const deadlineMs = Number(text.slice(deadlineAt, callerAt - 1));
  if (Number.isNaN(deadlineMs)) throw new WireError("bad_frame", "Request head has no deadline");
  const callerEnd = text.indexOf("\0", callerAt);
  return new DecodedRequestHead({
    invocationId: text.slice(0, requestIdAt - 1),
    requestId: text.slice(requestIdAt, methodAt - 1),
    method: text.slice(methodAt, urlAt - 1),
    url: text.slice(urlAt, deadlineAt - 1),
    deadlineMs,
    caller: callerEnd === -1 ? text.slice(callerAt) : text.slice(callerAt, callerEnd),
    fields: callerEnd === -1 ? undefined : text.slice(callerEnd + 1),
  });
}

interface DecodedFields extends Omit<RequestHead, "headers"> {
  /** Names and values, joined by NUL; undefined for none. */
  readonly fields: string | undefined;
}

class DecodedRequestHead implements RequestHead {
  readonly invocationId: string;
  readonly requestId: string;
  readonly method: string;
  readonly url: string;
  readonly deadlineMs: number;
  readonly caller: string;
  readonly #fields: string | undefined;

  constructor(decoded: DecodedFields) {
    this.invocationId = decoded.invocationId;
    this.requestId = decoded.requestId;
    this.method = decoded.method;
    this.url = decoded.url;
    this.deadlineMs = decoded.deadlineMs;
    this.caller = decoded.caller;
    this.#fields = decoded.fields;
  }

  get headers(): readonly string[] {
    const headers = this.#fields === undefined ? [] : this.#fields.split("\0");
    if (headers.length % 2 !== 0) {
      throw new WireError("bad_frame", "Request head has a header without a value");
    }
    return headers;
  }
}

export function encodeResponseHead(head: ResponseHead): string {
  return head.headers.length === 0
    ? String(head.status)
    : `${head.status}\0${head.headers.join("\0")}`;
}

/** Longer heads are not remembered. */
const knownHeadCharsMax = 1024;
let knownHeadText = "";
let knownHead: ResponseHead | undefined;

/** Reads a response's head; throws `bad_frame`. A head like the last one is the same object again. */
export function decodeResponseHead(text: string): ResponseHead {
  if (knownHead !== undefined && text === knownHeadText) return knownHead;
  const head = parseResponseHead(text);
  if (text.length <= knownHeadCharsMax) {
    knownHeadText = text;
    knownHead = head;
  }
  return head;
}

function parseResponseHead(text: string): ResponseHead {
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
