import { createServer, type Server, type Socket } from "node:net";
import { testIdentities } from "../../http/test-identities.harness.ts";

/** Servers on loopback that clients of every kind can speak to, and what they were asked. */
export interface ClientServers {
  readonly http: number;
  readonly https: number;
  readonly echo: number;
  /** Speaks enough of RESP for `HELLO`, `PING`, `SET` and `GET`. */
  readonly redis: number;
  /** The certificate of `https`, for the name `localhost`. */
  readonly ca: string;
  close(): Promise<void>;
}

export async function openClientServers(): Promise<ClientServers> {
  const [identity] = testIdentities;
  const word = (text: string, tls?: typeof identity): Bun.Server<undefined> =>
    Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      ...(tls !== undefined && { tls }),
      fetch(request, server) {
        if (server.upgrade(request)) return undefined;
        if (request.headers.get("accept") !== "text/event-stream") {
          return new Response(`${text} word`);
        }
        const headers = { "content-type": "text/event-stream" };
        return new Response(`data: ${text} event\n\n`, { headers });
      },
      websocket: { message: (socket, message) => void socket.send(`${text} ${String(message)}`) },
    });
  const plain = word("open");
  const secure = word("secure", identity);
  const echo = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => socket.destroy()).pipe(socket);
  });
  const redis = createServer(speakRedis);
  return {
    http: plain.port ?? 0,
    https: secure.port ?? 0,
    echo: await listening(echo),
    redis: await listening(redis),
    ca: identity.cert,
    async close() {
      echo.close();
      redis.close();
      await plain.stop(true);
      await secure.stop(true);
    },
  };
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function speakRedis(socket: Socket): void {
  const values = new Map<string, string>();
  let text = "";
  socket
    .on("error", () => socket.destroy())
    .on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      for (;;) {
        const command = takeCommand(text);
        if (command === undefined) return;
        text = text.slice(command.length);
        socket.write(answerOf(command.words, values));
      }
    });
}

/** One array of bulk strings from the beginning of the text, once it is whole. */
function takeCommand(text: string): { words: string[]; length: number } | undefined {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (head === null) return undefined;
  let at = head[0].length;
  const words: string[] = [];
  for (let left = Number(head[1]); left > 0; left--) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at));
    if (size === null) return undefined;
    at += size[0].length;
    const end = at + Number(size[1]);
    if (text.length < end + 2) return undefined;
    words.push(text.slice(at, end));
    at = end + 2;
  }
  return { words, length: at };
}

function answerOf(
  [name = "", key = "", value = ""]: string[],
  values: Map<string, string>,
): string {
  switch (name.toUpperCase()) {
    case "HELLO":
      return "%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n";
    case "PING":
      return "+PONG\r\n";
    case "SET":
      values.set(key, value);
      return "+OK\r\n";
    case "GET": {
      const found = values.get(key);
      return found === undefined ? "_\r\n" : `$${found.length}\r\n${found}\r\n`;
    }
    default:
      return "-ERR unknown command\r\n";
  }
}
