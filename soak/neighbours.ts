import { connect, type Socket } from "node:net";
import { Link, type RawRequest } from "./link.ts";

/** Something that goes on until it is stopped. */
export interface Neighbour {
  /** Ends it and resolves with what it did, for the record. */
  stop(): Promise<Readonly<Record<string, number>>>;
}

/** Starts one neighbour; `seconds` is how long it will be needed at least. */
export type StartNeighbour = (port: number, seconds: number) => Promise<Neighbour>;

/** Sends the request again and again; a failed or refused one counts like any other. */
function repeat(port: number, request: RawRequest, clients: number): Neighbour {
  const state = { over: false };
  const counts: Record<string, number> = {};
  const links = Array.from({ length: clients }, () => new Link(port));
  const running = links.map(async (link) => {
    while (!state.over) {
      const outcome = await link.send(request).catch(() => undefined);
      const what = outcome?.kind === "answer" ? `${outcome.answer.status}` : "broken";
      counts[what] = (counts[what] ?? 0) + 1;
      // Refused at once while its starts are held back: it may try again, at a client's pace.
      await Bun.sleep(5);
    }
  });
  return {
    async stop() {
      state.over = true;
      for (const link of links) link.close();
      await Promise.all(running);
      return counts;
    },
  };
}

const get = (path: string): RawRequest => ({ method: "GET", path: `/fn/v1${path}` });

/** One invocation that prints for all of the time; it ends by itself. */
async function print(port: number, seconds: number): Promise<Neighbour> {
  const link = new Link(port);
  const running = link.send(get(`/bad-print/print?seconds=${seconds}`));
  return {
    async stop() {
      const outcome = await running;
      link.close();
      const text = outcome.kind === "answer" ? outcome.answer.body.toString() : "";
      const printed = Number(/"printed":(\d+)/.exec(text)?.[1] ?? 0);
      return { "MB/s offered": Math.round(printed / 1e6 / seconds) };
    },
  };
}

async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  // The server may end a slow connection; that is its right.
  socket.on("error", () => undefined);
  await new Promise<void>((resolve) => {
    socket.once("connect", () => resolve());
    socket.once("close", () => resolve());
  });
  return socket;
}

/** One connection that sends a chunked body for ever, as fast as it is taken. */
async function endlessUpload(port: number): Promise<Neighbour> {
  const piece = Buffer.concat([
    Buffer.from("10000\r\n"),
    Buffer.alloc(65_536, 120),
    Buffer.from("\r\n"),
  ]);
  const state = { over: false, sent: 0, uploads: 0 };
  let socket: Socket | undefined;
  const upload = async (): Promise<void> => {
    while (!state.over) {
      const mine = await openSocket(port);
      socket = mine;
      state.uploads += 1;
      mine.write(
        "POST /fn/v1/bad-swallow/swallow HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
      );
      while (!state.over && !mine.destroyed) {
        state.sent += piece.length;
        if (mine.write(piece)) continue;
        await new Promise<void>((resolve) => {
          mine.once("drain", () => resolve());
          mine.once("close", () => resolve());
        });
        mine.removeAllListeners("drain").removeAllListeners("close");
      }
      mine.destroy();
      await Bun.sleep(5);
    }
  };
  const running = upload();
  return {
    async stop() {
      state.over = true;
      socket?.destroy();
      await running;
      return { uploads: state.uploads, "MB sent": Math.round(state.sent / 1e6) };
    },
  };
}

/** 300 connections, each sending one byte of a header now and then. */
async function slowConnections(port: number): Promise<Neighbour> {
  const count = 300;
  const state = { over: false, reopened: 0 };
  const sockets = await Promise.all(Array.from({ length: count }, () => openSocket(port)));
  const drip = async (): Promise<void> => {
    for (const socket of sockets) socket.write("GET /fn/v1/victim HTTP/1.1\r\nHost: x\r\nX-Slow: ");
    while (!state.over) {
      for (const [n, socket] of sockets.entries()) {
        if (!socket.destroyed) socket.write("a");
        else {
          state.reopened += 1;
          sockets[n] = await openSocket(port);
        }
      }
      await Bun.sleep(250);
    }
  };
  const running = drip();
  return {
    async stop() {
      state.over = true;
      await running;
      for (const socket of sockets) socket.destroy();
      return { connections: count, reopened: state.reopened };
    },
  };
}

/** Clients of a stream without end, each of which begins again when it is cut. */
async function endlessStream(
  port: number,
  options: { readonly name: string; readonly clients: number; readonly reads: boolean },
): Promise<Neighbour> {
  const state = { over: false, taken: 0, cut: 0 };
  const open = new Set<Socket>();
  const take = async (): Promise<void> => {
    while (!state.over) {
      const socket = await openSocket(port);
      open.add(socket);
      socket.on("data", (chunk) => {
        state.taken += chunk.length;
        // A slow reader takes the head and then no more, until the server has had enough.
        if (!options.reads) socket.pause();
      });
      socket.write(`GET /fn/v1/${options.name}/stream HTTP/1.1\r\nHost: x\r\n\r\n`);
      if (!socket.destroyed) await new Promise((resolve) => socket.once("close", resolve));
      open.delete(socket);
      state.cut += 1;
      await Bun.sleep(5);
    }
  };
  const running = Array.from({ length: options.clients }, take);
  return {
    async stop() {
      state.over = true;
      for (const socket of open) socket.destroy();
      await Promise.all(running);
      return { streams: state.cut, "MB taken": Math.round(state.taken / 1e6) };
    },
  };
}

/** Several neighbours as one. */
async function together(
  starts: readonly StartNeighbour[],
  port: number,
  seconds: number,
): Promise<Neighbour> {
  const started = await Promise.all(starts.map((start) => start(port, seconds)));
  return {
    async stop() {
      const counts: Record<string, number> = {};
      for (const one of await Promise.all(started.map((neighbour) => neighbour.stop()))) {
        for (const [name, count] of Object.entries(one)) counts[name] = (counts[name] ?? 0) + count;
      }
      return counts;
    },
  };
}

/** A neighbour that ends with its instance after the time, and begins again when it ended before. */
function untilItsEnd(path: string): StartNeighbour {
  return async (port, seconds) => repeat(port, get(`${path}?seconds=${seconds}`), 1);
}

/** Functions that the neighbours run; each has its own, so that none is held back for another's crashes. */
export const neighbourFunctions = [
  "bad-print",
  "bad-allocate",
  "bad-heap",
  "bad-exit",
  "bad-spin",
  "bad-busy",
  "bad-fork",
  "bad-descriptors",
  "bad-fill",
  "bad-headers",
  "bad-stream",
  "bad-slow",
  "bad-swallow",
];

/** Neighbours that a machine without a cgroup does not hold, by name. */
export const neighboursOfTier2: readonly string[] = ["fork bomb", "busy in eight processes"];

/** Every neighbour by name, for measuring one at a time. */
export const startNeighbour: Readonly<Record<string, StartNeighbour>> = {
  "prints 100 MB/s": print,
  "allocates buffers without end": async (port) => repeat(port, get("/bad-allocate/allocate"), 1),
  "grows its heap without end": async (port) => repeat(port, get("/bad-heap/heap"), 1),
  "crash-loops": async (port) => repeat(port, get("/bad-exit/exit"), 4),
  spins: async (port) => repeat(port, get("/bad-spin/spin"), 1),
  "busy in eight processes": untilItsEnd("/bad-busy/busy"),
  "fork bomb": untilItsEnd("/bad-fork/fork"),
  "leaks descriptors": async (port) => repeat(port, get("/bad-descriptors/descriptors"), 2),
  "fills its temporary folder": async (port) => repeat(port, get("/bad-fill/fill"), 1),
  "answers with huge headers": async (port) => repeat(port, get("/bad-headers/headers"), 4),
  "endless stream": (port) => endlessStream(port, { name: "bad-stream", clients: 2, reads: true }),
  "20 readers that stop reading": (port) =>
    endlessStream(port, { name: "bad-slow", clients: 20, reads: false }),
  "endless upload": (port) => endlessUpload(port),
  "300 slow connections": (port) => slowConnections(port),
};

/** All of those names at the same time. */
export function everyNeighbour(names: readonly string[]): StartNeighbour {
  const starts = names.flatMap((name) => startNeighbour[name] ?? []);
  return (port, seconds) => together(starts, port, seconds);
}
