import { ReactorError } from "../domain/errors.ts";
import {
  characterClasses,
  hostClass,
  targetClass,
  tokenClass,
  valueClass,
} from "./character-classes.ts";
import type { HttpLimits } from "./http-limits.ts";
import type { RequestHead } from "./request-head.ts";

/** Most headers of one request. */
export const headersMax = 100;
/** Longest method; every registered one is shorter. */
export const methodBytesMax = 32;

const cr = 13;
const lf = 10;
const space = 32;
const tab = 9;
const colon = 58;

/**
 * Parses the request head at `start` of a Latin-1 text into `into`. Returns the index behind the
 * head's empty line, or the refusal. A head that has not arrived whole is refused like a malformed
 * one: who calls knows whether more can come.
 *
 * It takes what RFC 9112 lets a client send and nothing that two readers could understand in two
 * ways: one Host, one Content-Length or exactly `chunked`, no folded lines, no bare CR or LF.
 */
export function parseHead(
  text: string,
  start: number,
  limits: HttpLimits,
  into: RequestHead,
): number | ReactorError {
  const at = parseRequestLine(text, start, limits, into);
  if (typeof at !== "number") return at;
  const end = parseHeaders(text, at, into);
  if (typeof end !== "number") return end;
  if (end - start > limits.headerBytesMax) return headTooLarge(limits.headerBytesMax);
  const why = faultOf(into);
  return why === undefined ? end : unreadable(why);
}

/** The request cannot be understood, or not in one way only. */
export function unreadable(why: string): ReactorError {
  return new ReactorError("invalid_request", `Cannot read the request: ${why}`);
}

export function targetTooLong(uriBytesMax: number): ReactorError {
  const message = `The request target is longer than ${uriBytesMax} bytes`;
  return new ReactorError("uri_too_long", message);
}

export function headTooLarge(headerBytesMax: number): ReactorError {
  const message = `The request line and headers are longer than ${headerBytesMax} bytes`;
  return new ReactorError("headers_too_large", message);
}

/** Returns the index of the first header line. */
function parseRequestLine(
  text: string,
  start: number,
  limits: HttpLimits,
  into: RequestHead,
): number | ReactorError {
  const methodEnd = skip(text, start, tokenClass);
  if (methodEnd === start || text.charCodeAt(methodEnd) !== space) {
    return unreadable("its request line does not begin with a method and one space");
  }
  if (methodEnd - start > methodBytesMax) {
    return unreadable(`its method is longer than ${methodBytesMax} characters`);
  }
  const targetAt = methodEnd + 1;
  const targetEnd = skip(text, targetAt, targetClass);
  if (targetEnd - targetAt > limits.uriBytesMax) return targetTooLong(limits.uriBytesMax);
  if (targetEnd === targetAt || text.charCodeAt(targetEnd) !== space) {
    return unreadable("its target holds a character that must be encoded, or no version follows");
  }
  const minor = text.charCodeAt(targetEnd + 8) - 48;
  if (!text.startsWith(" HTTP/1.", targetEnd) || (minor !== 0 && minor !== 1)) {
    return unreadable("its version is neither HTTP/1.1 nor HTTP/1.0");
  }
  const end = targetEnd + 9;
  if (!endsLine(text, end)) return unreadable("its request line does not end with CR LF");
  into.method = methodOf(text, start, methodEnd);
  into.target = text.slice(targetAt, targetEnd);
  into.minor = minor;
  into.keepsAlive = minor === 1;
  return end + 2;
}

/** Nearly always one of two, which are then the same string each time: it is compared often. */
function methodOf(text: string, start: number, end: number): string {
  if (end - start === 3 && text.startsWith("GET", start)) return "GET";
  if (end - start === 4 && text.startsWith("POST", start)) return "POST";
  return text.slice(start, end);
}

/** Returns the index behind the empty line. */
function parseHeaders(text: string, start: number, into: RequestHead): number | ReactorError {
  const { headers } = into;
  let at = start;
  while (text.charCodeAt(at) !== cr) {
    if (headers.length >= 2 * headersMax) {
      const message = `The request has more than ${headersMax} headers`;
      return new ReactorError("headers_too_large", message);
    }
    const nameEnd = skip(text, at, tokenClass);
    if (nameEnd === at || text.charCodeAt(nameEnd) !== colon)
      return unreadable(nameFault(text, at));
    const valueAt = skipBlanks(text, nameEnd + 1);
    const lineEnd = skip(text, valueAt, valueClass);
    if (!endsLine(text, lineEnd)) {
      return unreadable("a header value holds a control character, or does not end with CR LF");
    }
    const valueEnd = trimBlanks(text, valueAt, lineEnd);
    const value = text.slice(valueAt, valueEnd);
    headers.push(text.slice(at, nameEnd), value);
    const why = takeFraming(text, at, nameEnd, value, into);
    if (why !== undefined) return unreadable(why);
    at = lineEnd + 2;
  }
  if (!endsLine(text, at)) return unreadable("a line ends with CR alone");
  return at + 2;
}

function nameFault(text: string, at: number): string {
  const code = text.charCodeAt(at);
  if (code === space || code === tab) return "a header is folded over two lines";
  return "a header name is not a token that ends at its colon";
}

/** Takes what decides about framing and connection; returns why the request is refused, if it is. */
function takeFraming(
  text: string,
  at: number,
  nameEnd: number,
  value: string,
  into: RequestHead,
): string | undefined {
  // Names of other lengths are none of these, so most headers cost one comparison.
  switch (nameEnd - at) {
    case 4:
      return isName(text, at, "host") ? takeHost(value, into) : undefined;
    case 6:
      return isName(text, at, "expect") ? takeExpect(value, into) : undefined;
    case 10:
      if (isName(text, at, "connection")) takeConnection(value, into);
      return undefined;
    case 14:
      return isName(text, at, "content-length") ? takeLength(value, into) : undefined;
    case 17:
      return isName(text, at, "transfer-encoding") ? takeCoding(value, into) : undefined;
    default:
      return undefined;
  }
}

function takeHost(value: string, into: RequestHead): string | undefined {
  if (into.host !== undefined) return "it has two Host headers";
  if (value === "" || skip(value, 0, hostClass) !== value.length) return "its Host is malformed";
  into.host = value;
  return undefined;
}

function takeExpect(value: string, into: RequestHead): string | undefined {
  if (value.toLowerCase() !== "100-continue") return "it expects more than 100-continue";
  into.expectsContinue = true;
  return undefined;
}

function takeConnection(value: string, into: RequestHead): void {
  if (value === "keep-alive" && into.minor === 1) return;
  const options = value
    .toLowerCase()
    .split(",")
    .map((option) => option.trim());
  // A client that says both means to close.
  if (options.includes("close")) into.keepsAlive = false;
  else if (options.includes("keep-alive")) into.keepsAlive = true;
}

function takeLength(value: string, into: RequestHead): string | undefined {
  if (into.contentLength >= 0) return "it has several Content-Length headers";
  if (!/^[0-9]{1,15}$/.test(value)) return "its Content-Length is not one number";
  into.contentLength = Number(value);
  return undefined;
}

function takeCoding(value: string, into: RequestHead): string | undefined {
  if (into.chunked || value.toLowerCase() !== "chunked") {
    return "its Transfer-Encoding is not exactly chunked";
  }
  into.chunked = true;
  return undefined;
}

/** What only the whole head tells. */
function faultOf(head: RequestHead): string | undefined {
  if (head.chunked && head.contentLength >= 0) {
    return "it has both Content-Length and Transfer-Encoding";
  }
  if (head.chunked && head.minor === 0) return "HTTP/1.0 has no Transfer-Encoding";
  if (head.host === undefined && head.minor === 1) return "it has no Host header";
  return head.target.charCodeAt(0) === 0x2f ? undefined : takeAbsoluteTarget(head);
}

/** A target with a scheme must name the Host, and goes on as a path; other forms are refused. */
function takeAbsoluteTarget(head: RequestHead): string | undefined {
  const match = /^https?:\/\/([^/?]+)(.*)$/i.exec(head.target);
  if (match === null) return "its target is neither a path nor an http URL";
  const [, authority = "", rest = ""] = match;
  if (head.host === undefined || authority.toLowerCase() !== head.host.toLowerCase()) {
    return "its target names another host than its Host header";
  }
  head.target = rest.startsWith("/") ? rest : `/${rest}`;
  return undefined;
}

/** Index of the first character from `at` on that is not of the class. */
function skip(text: string, at: number, bits: number): number {
  let i = at;
  // Behind the end the code is NaN, which is of no class.
  while (((characterClasses[text.charCodeAt(i)] as number) & bits) !== 0) i += 1;
  return i;
}

function skipBlanks(text: string, at: number): number {
  let i = at;
  for (;;) {
    const code = text.charCodeAt(i);
    if (code !== space && code !== tab) return i;
    i += 1;
  }
}

function trimBlanks(text: string, start: number, end: number): number {
  let i = end;
  while (i > start) {
    const code = text.charCodeAt(i - 1);
    if (code !== space && code !== tab) break;
    i -= 1;
  }
  return i;
}

function endsLine(text: string, at: number): boolean {
  return text.charCodeAt(at) === cr && text.charCodeAt(at + 1) === lf;
}

/** Whether the text has this name, given in lower case, at the index. */
function isName(text: string, at: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    // Setting bit 5 lowers letters; the other characters of these names, hyphens, have it set.
    if ((text.charCodeAt(at + i) | 0x20) !== name.charCodeAt(i)) return false;
  }
  return true;
}
