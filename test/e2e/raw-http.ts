import { connect, type Socket } from "node:net";

/** One answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  /** Status line and headers, without the empty line. */
  readonly head: string;
  readonly body: string;
}

/** What a connection gave until it closed, or until nothing more was wanted. */
export interface RawExchange {
  readonly answers: readonly RawAnswer[];
  readonly closed: boolean;
}

/** Past this a connection that should have closed counts as open; no healthy run meets it. */
const patienceMs = 8000;

/**
 * Sends bytes over a connection of its own, in one piece or several, and collects the answers. Ends
 * when the server closes, or after `answers` whole ones when that many are wanted.
 */
export function rawExchange(
  port: number,
  bytes: string | Uint8Array | readonly (string | Uint8Array)[],
  options: { readonly answers?: number } = {},
): Promise<RawExchange> {
  const wanted = options.answers ?? Number.POSITIVE_INFINITY;
  const pieces = typeof bytes === "string" || bytes instanceof Uint8Array ? [bytes] : bytes;
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const chunks: Buffer[] = [];
    const finish = (closed: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ answers: parseAnswers(Buffer.concat(chunks), closed), closed });
    };
    const timer = setTimeout(() => finish(false), patienceMs);
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      if (parseAnswers(Buffer.concat(chunks), false).length >= wanted) finish(false);
    });
    socket.on("close", () => finish(true));
    // A reset comes with unread input and is a close like any other.
    socket.on("error", () => undefined);
    for (const piece of pieces) socket.write(Buffer.from(piece as string, "latin1"));
  });
}

/** The whole answers in the bytes; one without a length reaches to the end of a closed connection. */
function parseAnswers(bytes: Buffer, closed: boolean): readonly RawAnswer[] {
  const answers: RawAnswer[] = [];
  let at = 0;
  for (;;) {
    const end = bytes.indexOf("\r\n\r\n", at);
    if (end === -1) return answers;
    const head = bytes.subarray(at, end).toString("latin1");
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]);
    const body = bodyAt(bytes, end + 4, head, status, closed);
    if (body === undefined) return answers;
    answers.push({ status, head, body: body.text });
    at = body.end;
  }
}

interface Body {
  readonly text: string;
  readonly end: number;
}

function bodyAt(
  bytes: Buffer,
  at: number,
  head: string,
  status: number,
  closed: boolean,
): Body | undefined {
  if (status < 200 || status === 204 || status === 304) return { text: "", end: at };
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) return chunkedBody(bytes, at);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length === undefined) {
    return closed ? { text: bytes.toString("latin1", at), end: bytes.length } : undefined;
  }
  const end = at + Number(length);
  return end > bytes.length ? undefined : { text: bytes.toString("latin1", at, end), end };
}

function chunkedBody(bytes: Buffer, start: number): Body | undefined {
  let text = "";
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    const end = lineEnd + 2 + size + 2;
    if (end > bytes.length) return undefined;
    if (size === 0) return { text, end };
    text += bytes.toString("latin1", lineEnd + 2, end - 2);
    at = end;
  }
}

/** A connection that a test drives by itself. */
export function rawConnection(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket));
    socket.on("error", reject);
  });
}
