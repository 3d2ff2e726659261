/**
 * Nanoseconds per request/response pair of the wire protocol alone, 64 at once, 1 kB both ways:
 * `bun bench/micro/wire.ts`. First within one process, then over a Unix socket between two.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { systemClock } from "../../src/base/clock.ts";
import { endOfTurn } from "../../src/base/end-of-turn.ts";
import { WireConnection } from "../../src/wire/connection.ts";
import { frameType } from "../../src/wire/frames.ts";
import {
  decodeRequestHead,
  decodeResponseHead,
  type RequestHead,
  encodeResponseHead,
  splitHeadPayload,
} from "../../src/wire/heads.ts";
import type { StreamListener } from "../../src/wire/stream.ts";

const atOnce = 64;
const pairsPerRound = 20_000;
const rounds = 6;
const body = Buffer.alloc(1024, "x");

interface Transport {
  readonly write: (bytes: Buffer) => boolean;
}

const ignored: Omit<StreamListener, "data" | "end"> = {
  cancelled() {},
  drained() {},
  closed() {},
};

/** Answers every request with its own body. */
function createGuest(transport: Transport): WireConnection {
  return new WireConnection({
    role: "guest",
    sink: transport,
    payloadBytesMax: 2 ** 20,
    peerStreamsMax: 10_000,
    endOfTurn,
    listener: {
      frame() {},
      closed() {},
      opened(stream, _type, payload) {
        const { head, body } = splitHeadPayload(payload);
        const { headers } = decodeRequestHead(head);
        const answer = encodeResponseHead({ status: 200, headers: headers.slice(0, 4) });
        stream.head(frameType.response, answer, body, true);
        stream.consumed(body.length);
        return { ...ignored, data() {}, end() {} };
      },
    },
  });
}

function createHost(transport: Transport): WireConnection {
  return new WireConnection({
    role: "host",
    sink: transport,
    payloadBytesMax: 2 ** 20,
    peerStreamsMax: 0,
    endOfTurn,
    listener: {
      frame() {},
      closed() {},
      opened() {
        throw new Error("The guest opened a stream");
      },
    },
  });
}

function request(connection: WireConnection, onDone: () => void): void {
  const stream = connection.open({
    ...ignored,
    head(head, body) {
      if (decodeResponseHead(head).status !== 200) throw new Error("unexpected status");
      stream.consumed(body.length);
    },
    data() {},
    end: onDone,
  });
  const head: RequestHead = {
    invocationId: "inv_01jd5z8e6q7m2v3x4y5z6a7b8c",
    requestId: "01jd5z8e6q7m2v3x4y5z6a7b8c",
    method: "POST",
    url: "http://hello.fn.localhost:8080/",
    deadlineMs: 1_764_000_030_000,
    caller: "",
    headers: ["content-type", "application/json", "accept", "*/*", "host", "hello", "x-a", "b"],
  };
  stream.head(frameType.request, head, body, true);
}

/** Runs a round with `atOnce` requests always in flight; gives nanoseconds per pair. */
function round(connection: WireConnection): Promise<number> {
  return new Promise((resolve) => {
    const startMs = systemClock.monotonicMs();
    let begun = 0;
    let done = 0;
    const next = (): void => {
      begun += 1;
      request(connection, () => {
        done += 1;
        if (begun < pairsPerRound) next();
        if (done === pairsPerRound) {
          resolve(((systemClock.monotonicMs() - startMs) * 1e6) / pairsPerRound);
        }
      });
    };
    for (let i = 0; i < atOnce; i++) next();
  });
}

async function best(connection: WireConnection): Promise<number> {
  let bestNs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < rounds; i++) bestNs = Math.min(bestNs, await round(connection));
  return Math.round(bestNs);
}

/** A transport delivers later, as a socket does. */
async function inMemory(): Promise<number> {
  const later = (to: () => WireConnection) => (bytes: Buffer) => {
    queueMicrotask(() => to().receive(bytes));
    return false;
  };
  const guest = createGuest({ write: later(() => host) });
  const host: WireConnection = createHost({ write: later(() => guest) });
  return best(host);
}

function overSocket(socket: Socket, create: (transport: Transport) => WireConnection) {
  const connection = create({
    write(bytes) {
      socket.write(bytes);
      return socket.writableLength === 0;
    },
  });
  socket.on("data", (chunk: Buffer) => connection.receive(chunk));
  return connection;
}

async function betweenProcesses(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "wire-bench-"));
  const path = join(folder, "socket");
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer(accepted.resolve).listen(path);
  const child = Bun.spawn([process.execPath, import.meta.path, "guest", path]);
  try {
    return await best(overSocket(await accepted.promise, createHost));
  } finally {
    child.kill();
    await child.exited;
    server.close();
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[2] === "guest") {
  overSocket(connect(process.argv[3] ?? ""), createGuest);
} else {
  const results = {
    "within one process": await inMemory(),
    "Unix socket": await betweenProcesses(),
  };
  console.table(
    Object.entries(results).map(([transport, ns]) => ({
      transport,
      "ns per pair": ns,
      "pairs per second": Math.round(1e9 / ns),
    })),
  );
  process.exit(0);
}
