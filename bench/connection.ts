import { connect, type Socket } from "node:net";

export interface Answer {
  /** `performance.now()` when the first byte arrived. */
  readonly firstByteAtMs: number;
  readonly status: number;
  readonly body: string;
}

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A connection that was opened before the clock starts. */
export interface Connection {
  /** Sends one request and resolves with its whole answer. */
  send(request: Sent): Promise<Answer>;
  /** Sends one GET and resolves with its whole answer. */
  get(path: string): Promise<Answer>;
  close(): void;
}

/** Opens a connection to a TCP port on loopback or to a Unix socket. */
export async function openConnection(to: number | string): Promise<Connection> {
  const socket = typeof to === "number" ? connect(to, "127.0.0.1") : connect(to);
  socket.setNoDelay(true);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", () => resolve());
    socket.once("error", reject);
  });
  return {
    send: (request) => exchange(socket, encoded(request)),
    get: (path) => exchange(socket, `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`),
    close: () => void socket.destroy(),
  };
}

function encoded({ method, path, headers, body }: Sent): string {
  const length = { "content-length": String(Buffer.byteLength(body)) };
  const fields = Object.entries({ host: "127.0.0.1", ...headers, ...length });
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}

function exchange(socket: Socket, request: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let firstByteAtMs = 0;
    let text = "";
    const onData = (chunk: Buffer): void => {
      if (firstByteAtMs === 0) firstByteAtMs = performance.now();
      text += chunk.toString("latin1");
      const headEnd = text.indexOf("\r\n\r\n");
      if (headEnd < 0) return;
      const length = /content-length: (\d+)/i.exec(text)?.[1];
      const body = text.slice(headEnd + 4);
      if (length === undefined ? !body.endsWith("0\r\n\r\n") : body.length < Number(length)) return;
      finish();
      resolve({ firstByteAtMs, status: Number(text.slice(9, 12)), body });
    };
    const onEnd = (): void => {
      finish();
      reject(new Error(`Connection ended early after ${JSON.stringify(text.slice(0, 200))}`));
    };
    const finish = (): void => {
      socket.off("data", onData);
      socket.off("close", onEnd);
      socket.off("error", onEnd);
    };
    socket.on("data", onData);
    socket.on("close", onEnd);
    socket.on("error", onEnd);
    socket.write(request);
  });
}
