import { connect, type Socket } from "node:net";
import { within } from "./deadline.ts";
import { type RawAnswer, ResponseParser } from "./response-parser.ts";

export interface RawRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: Buffer;
  /** How the body is framed; by its length when absent. */
  readonly chunked?: boolean;
  /** Waits for 100 Continue before the body. */
  readonly expect?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** Destroys the connection once so many bytes of the body were sent. */
  readonly leaveAfterSent?: number;
  /** Destroys the connection once so many bytes of the answer's body came. */
  readonly leaveAfterReceived?: number;
}

export type Outcome =
  | { readonly kind: "answer"; readonly answer: RawAnswer }
  /** The connection ended before the answer did; `status` is 0 when no head had come. */
  | { readonly kind: "broken"; readonly status: number }
  /** The client left, as it was told to. */
  | { readonly kind: "left" };

const answerMsMax = 120_000;
const pieceBytes = 48 * 1024;

/** A keep-alive connection that is opened when needed and again after each break. */
export class Link {
  readonly #port: number;
  #socket: Socket | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  /** Sends one request and resolves with what became of it; rejects when the answer is not HTTP. */
  async send(request: RawRequest): Promise<Outcome> {
    const socket = (this.#socket ??= await open(this.#port));
    let outcome: Outcome | undefined;
    try {
      const what = `${request.method} ${request.path} is answered`;
      outcome = await within(answerMsMax, what, exchange(socket, request));
      return outcome;
    } finally {
      const reusable =
        outcome?.kind === "answer" &&
        outcome.answer.headers.get("connection")?.toLowerCase() !== "close";
      if (!reusable) this.close();
    }
  }
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", () => resolve());
    // Stays for the life of the socket: an error between two exchanges shows in the next one.
    socket.on("error", reject);
  });
  return socket;
}

function exchange(socket: Socket, request: RawRequest): Promise<Outcome> {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  const mayGoOn = Promise.withResolvers<void>();
  const parser = new ResponseParser(() => mayGoOn.resolve());
  let over = false;
  const finish = (outcome: Outcome): void => {
    over = true;
    mayGoOn.resolve();
    for (const [name, listener] of listeners) socket.off(name, listener);
    resolve(outcome);
  };
  const listeners: readonly (readonly [string, (bytes: Buffer) => void])[] = [
    [
      "data",
      (bytes) => {
        try {
          parser.push(bytes);
        } catch (error) {
          reject(error);
          finish({ kind: "broken", status: parser.status });
          return;
        }
        const { leaveAfterReceived } = request;
        if (leaveAfterReceived !== undefined && parser.bodyBytes >= leaveAfterReceived) {
          socket.destroy();
          finish({ kind: "left" });
        } else if (parser.done) finish({ kind: "answer", answer: parser.answer() });
      },
    ],
    ["close", () => finish({ kind: "broken", status: parser.status })],
  ];
  for (const [name, listener] of listeners) socket.on(name, listener);
  const sending = async (): Promise<void> => {
    socket.write(headOf(request));
    if (request.expect === true) await mayGoOn.promise;
    const left = await sendBody(socket, request, () => over);
    if (left) {
      socket.destroy();
      finish({ kind: "left" });
    }
  };
  sending().catch(reject);
  return promise;
}

function headOf(request: RawRequest): string {
  const { body, chunked, expect } = request;
  const lines = [`${request.method} ${request.path} HTTP/1.1`, "Host: 127.0.0.1"];
  if (chunked === true) lines.push("Transfer-Encoding: chunked");
  else if (body !== undefined) lines.push(`Content-Length: ${body.length}`);
  if (expect === true) lines.push("Expect: 100-continue");
  for (const [name, value] of Object.entries(request.headers ?? {}))
    lines.push(`${name}: ${value}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Sends the body in pieces, each after the last has left; true when the client is to leave now. */
async function sendBody(
  socket: Socket,
  request: RawRequest,
  over: () => boolean,
): Promise<boolean> {
  const body = request.body ?? Buffer.alloc(0);
  const end = Math.min(body.length, request.leaveAfterSent ?? body.length);
  for (let at = 0; at < end && !over(); at += pieceBytes) {
    const piece = body.subarray(at, Math.min(at + pieceBytes, end));
    if (request.chunked === true) socket.write(`${piece.length.toString(16)}\r\n`);
    await written(socket, piece);
    if (request.chunked === true) socket.write("\r\n");
  }
  if (request.leaveAfterSent !== undefined) return !over();
  if (request.chunked === true && !over()) socket.write("0\r\n\r\n");
  return false;
}

function written(socket: Socket, piece: Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (socket.write(piece)) {
      resolve();
      return;
    }
    const go = (): void => {
      socket.off("drain", go);
      socket.off("close", go);
      resolve();
    };
    socket.on("drain", go);
    socket.on("close", go);
  });
}
