import { ChunkedDecoder } from "./chunked-decoder.ts";
import type { ExchangeListener } from "./exchange-listener.ts";
import { unreadable } from "./parse-head.ts";
import type { ParsedHead } from "./parsed-head.ts";
import { headerLines, statusLine } from "./response-head.ts";

/** The connection, as its exchange uses it. */
export interface ExchangeWire {
  /** Plain address: an IPv4 address that is mapped into IPv6 comes as IPv4. */
  readonly remoteAddress: string;
  readonly localAddress: string;
  /** Whether the connection is encrypted. */
  readonly secure: boolean;
  /** The server takes no new connections: answers end theirs. */
  readonly closing: boolean;
  /** Line of the `Date` header. */
  readonly dateLine: string;
  /** Bytes that were written and not taken. */
  readonly unsentBytes: number;
  /** Received bytes that nobody took yet. */
  readonly bufferedBytes: number;
  /** At most `bytesMax` received bytes, to keep; undefined when there are none. */
  take(bytesMax: number): Buffer | undefined;
  /** The same, valid until control returns to the connection. */
  lend(bytesMax: number): Buffer | undefined;
  /** Gives back the end of what was taken or lent last. */
  untake(rest: Buffer): void;
  /** False when the client is behind; `clientDrained` follows. The bytes are the connection's now. */
  write(bytes: Buffer | string): boolean;
  /** The exchange wants body bytes. */
  wake(): void;
  /** The answer is out. */
  answered(): void;
  /** Ends the connection at once; with a reset when the client could take a clean end for success. */
  cut(options: { readonly reset: boolean }): void;
}

//  unread --read--> flowing <--pause, resume--> paused
//  flowing --all--> complete        unread --skipped, taken whole--> complete
//  flowing --framing broken, silence--> failed
type BodyState = "unread" | "flowing" | "paused" | "complete" | "failed";
//  none --whole--> done        none --start--> streaming --finish, abort--> done
type AnswerState = "none" | "streaming" | "done";

/** Most bytes of a body that its listener gets at once: what it cannot take it has to copy. */
const pieceBytesMax = 64 * 1024;
/** Largest body that is copied behind its head to leave in one write. */
const joinedBytesMax = 64 * 1024;
/** Answers up to this size are put together in one place, whose memory stays warm. */
const slabBytes = 16 * 1024;
let slab = Buffer.allocUnsafeSlow(slabBytes);
/** The same for the pieces of a streamed answer, with room for the largest that an instance sends. */
const pieceSlabBytes = pieceBytesMax + 16;
let pieceSlab = Buffer.allocUnsafeSlow(pieceSlabBytes);
const lastChunk = "0\r\n\r\n";

/** One request on a connection, and its answer. */
export class HttpExchange {
  /** What the client sent; shared by the requests of one connection whose heads are alike. */
  readonly head: ParsedHead;
  /** The head came before on this connection, so what follows from it alone may be known. */
  readonly isRepeated: boolean;
  /** The client keeps the connection open after the answer. */
  keepsAlive: boolean;
  /** Who hears about body, client and connection from now on. */
  listener: ExchangeListener | undefined;
  readonly #wire: ExchangeWire;
  #body: BodyState = "unread";
  #bodyLeft = 0;
  #decoder: ChunkedDecoder | undefined;
  #answer: AnswerState = "none";
  #closes = false;
  #bodyless = false;
  #answerChunked = false;

  constructor(wire: ExchangeWire, head: ParsedHead, isRepeated = false) {
    this.#wire = wire;
    this.head = head;
    this.isRepeated = isRepeated;
    this.keepsAlive = head.keepsAlive;
  }

  get method(): string {
    return this.head.method;
  }

  /** Always starts with `/`; visible ASCII only. */
  get target(): string {
    return this.head.target;
  }

  /** Flat list: name, value, name, value, …, as they were written. */
  get headers(): readonly string[] {
    return this.head.headers;
  }

  /** The one Host header; undefined only in HTTP/1.0. */
  get host(): string | undefined {
    return this.head.host;
  }

  /** Declared length of the body; -1 when none is declared. */
  get contentLength(): number {
    return this.head.contentLength;
  }

  /** The body comes in chunks. */
  get chunked(): boolean {
    return this.head.chunked;
  }

  get remoteAddress(): string {
    return this.#wire.remoteAddress;
  }

  get localAddress(): string {
    return this.#wire.localAddress;
  }

  get secure(): boolean {
    return this.#wire.secure;
  }

  get hasBody(): boolean {
    return this.chunked || this.contentLength > 0;
  }

  /** The whole body has been read. */
  get bodyComplete(): boolean {
    return this.#body === "complete";
  }

  /** Nothing of the body is awaited from the client: it is complete, held back or not wanted. */
  get bodyRests(): boolean {
    return this.#body !== "flowing";
  }

  get answered(): boolean {
    return this.#answer === "done";
  }

  /** The answer's head is out. */
  get headSent(): boolean {
    return this.#answer !== "none";
  }

  /** The connection ends with this answer; known once the head is out. */
  get closes(): boolean {
    return this.#closes;
  }

  get unsentBytes(): number {
    return this.#wire.unsentBytes;
  }

  /** The head is parsed: what follows is body. Called by the connection, once. */
  opened(): void {
    if (!this.hasBody) this.#body = "complete";
    else if (this.chunked) this.#decoder = new ChunkedDecoder();
    else this.#bodyLeft = this.contentLength;
  }

  // ---- the request's body ---------------------------------------------------------------------

  /** The body, if all of it has arrived with its declared length and nothing of it was read. */
  takeWhole(): Buffer | undefined {
    if (this.#body !== "unread" || this.chunked) return undefined;
    if (this.#wire.bufferedBytes < this.contentLength) return undefined;
    this.#body = "complete";
    return this.#wire.take(this.contentLength);
  }

  /** Lets the listener have the body as it comes; asks for it when the client waits to be asked. */
  readBody(): void {
    if (this.#body === "paused") this.#body = "flowing";
    if (this.#body === "unread") {
      this.#body = "flowing";
      const isAsked = this.head.expectsContinue && this.head.minor === 1 && this.#answer === "none";
      if (isAsked && this.#wire.bufferedBytes === 0) {
        this.#wire.write("HTTP/1.1 100 Continue\r\n\r\n");
      }
    }
    if (this.#body === "flowing") this.#wire.wake();
  }

  /** Holds the body back until `readBody` is called again. */
  pauseBody(): void {
    if (this.#body === "flowing") this.#body = "paused";
  }

  /** Nobody wants the rest of the body. */
  stopBody(): void {
    if (this.#body !== "complete") this.#body = "failed";
  }

  /** Hands received bytes to the listener; false when it wants none. Called by the connection. */
  feed(): boolean {
    if (this.#body !== "flowing") return false;
    if (this.#decoder === undefined) this.#feedPlain();
    else this.#feedChunked(this.#decoder);
    return true;
  }

  /** Gives up on the body. Called by the connection too, when nothing comes. */
  failBody(why: string): void {
    this.#body = "failed";
    this.listener?.bodyFailed(unreadable(why));
  }

  #feedPlain(): void {
    const chunk = this.#wire.lend(Math.min(this.#bodyLeft, pieceBytesMax));
    if (chunk === undefined) return;
    this.#bodyLeft -= chunk.length;
    const isLast = this.#bodyLeft === 0;
    if (isLast) this.#body = "complete";
    this.listener?.bodyChunk(chunk);
    if (isLast) this.listener?.bodyEnd();
  }

  #feedChunked(decoder: ChunkedDecoder): void {
    const piece = this.#wire.lend(pieceBytesMax);
    if (piece === undefined) return;
    const { end, consumed } = decoder.decode(piece, 0);
    if (consumed < piece.length) this.#wire.untake(piece.subarray(consumed));
    if (decoder.done) this.#body = "complete";
    if (end > 0) this.listener?.bodyChunk(piece.subarray(0, end));
    if (decoder.fault !== undefined) this.failBody(decoder.fault);
    else if (decoder.done) this.listener?.bodyEnd();
  }

  // ---- the answer -----------------------------------------------------------------------------

  /** Says that the answer will come: `102 Processing`, before it and to HTTP/1.1 only, which has such. */
  processing(): void {
    if (this.#answer !== "none" || this.head.minor === 0) return;
    this.#wire.write("HTTP/1.1 102 Processing\r\n\r\n");
  }

  /**
   * Sends a whole answer. `headers` is a flat list without framing headers, or their lines as they
   * leave, already checked; `declaredBytes` is the length that the answer to HEAD and a 304 tell. Nothing happens when there is an answer already.
   */
  whole(
    status: number,
    headers: readonly string[] | string,
    body: Uint8Array | undefined,
    declaredBytes?: number,
  ): void {
    if (this.#answer !== "none") return;
    const bodyless = this.#isBodyless(status);
    const bytes = body === undefined ? 0 : body.length;
    const said = bodyless ? (status === 204 ? undefined : declaredBytes) : bytes;
    const head = this.#head(status, headers, said);
    this.#answer = "done";
    if (bodyless || body === undefined || bytes === 0) this.#wire.write(head);
    else this.#writeJoined(head, body);
    this.#wire.answered();
  }

  /** Begins an answer whose body follows: with its length, or in chunks when that is not known. */
  start(
    status: number,
    headers: readonly string[] | string,
    contentLength: number | undefined,
  ): void {
    if (this.#answer !== "none") return;
    this.#answer = "streaming";
    this.#bodyless = this.#isBodyless(status);
    const said = status === 204 ? undefined : contentLength;
    this.#answerChunked = contentLength === undefined && !this.#bodyless && this.head.minor === 1;
    // HTTP/1.0 knows no chunks, so only the connection's end says where the body ends.
    if (contentLength === undefined && this.head.minor === 0) this.keepsAlive = false;
    this.#wire.write(this.#head(status, headers, said));
  }

  /** Sends a copy of body bytes; false when the client is behind. Bodies of HEAD, 204 and 304 are dropped. */
  write(chunk: Uint8Array): boolean {
    if (this.#answer !== "streaming" || this.#bodyless || chunk.length === 0) return true;
    const size = this.#answerChunked ? `${chunk.length.toString(16)}\r\n` : "";
    const end = this.#answerChunked ? "\r\n" : "";
    const length = size.length + chunk.length + end.length;
    const isSlab = length <= pieceSlabBytes;
    const bytes = isSlab ? pieceSlab.subarray(0, length) : Buffer.allocUnsafe(length);
    bytes.write(size, 0, "latin1");
    bytes.set(chunk, size.length);
    bytes.write(end, size.length + chunk.length, "latin1");
    const taken = this.#wire.write(bytes);
    if (isSlab && this.#wire.unsentBytes > 0) pieceSlab = Buffer.allocUnsafeSlow(pieceSlabBytes);
    return taken;
  }

  /** Ends a streamed answer. */
  finish(): void {
    if (this.#answer !== "streaming") return;
    this.#answer = "done";
    if (this.#answerChunked) this.#wire.write(lastChunk);
    this.#wire.answered();
  }

  /** Breaks the connection: only that says that the answer is not all of it. */
  abort(): void {
    if (this.#answer === "done") return;
    const isOpenEnded = this.#answer === "streaming" && this.head.minor === 0;
    this.#answer = "done";
    this.#wire.cut({ reset: isOpenEnded });
  }

  #isBodyless(status: number): boolean {
    return status === 204 || status === 304 || this.method === "HEAD";
  }

  #head(
    status: number,
    headers: readonly string[] | string,
    contentLength: number | undefined,
  ): string {
    this.#closes = this.#mustClose();
    const lines = typeof headers === "string" ? headers : headerLines(headers);
    const length = contentLength === undefined ? "" : `Content-Length: ${contentLength}\r\n`;
    const rest = `${length}${this.#connectionLines()}${this.#wire.dateLine}\r\n`;
    return statusLine(status) + lines + rest;
  }

  #connectionLines(): string {
    const coding = this.#answerChunked ? "Transfer-Encoding: chunked\r\n" : "";
    if (this.#closes) return `${coding}Connection: close\r\n`;
    return this.head.minor === 0 ? `${coding}Connection: keep-alive\r\n` : coding;
  }

  /** The rest of a body that nobody reads would be taken for the next request. */
  #mustClose(): boolean {
    if (!this.keepsAlive || this.#wire.closing) return true;
    // A body that is here already can be passed over.
    if (this.#body === "unread") this.takeWhole();
    return this.#body !== "complete";
  }

  #writeJoined(head: string, body: Uint8Array): void {
    if (body.length > joinedBytesMax) {
      this.#wire.write(head);
      this.#wire.write(Buffer.from(body));
      return;
    }
    const length = head.length + body.length;
    const isSlab = length <= slabBytes;
    const bytes = isSlab ? slab.subarray(0, length) : Buffer.allocUnsafe(length);
    bytes.write(head, 0, "latin1");
    bytes.set(body, head.length);
    this.#wire.write(bytes);
    // What the socket did not take at once it may send from these bytes later.
    if (isSlab && this.#wire.unsentBytes > 0) slab = Buffer.allocUnsafeSlow(slabBytes);
  }
}
