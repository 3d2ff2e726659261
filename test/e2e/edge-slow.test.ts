import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFile, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { rawConnection, rawExchange } from "./raw-http.ts";
import { startServer, type TestServer, until } from "./reactor.ts";
import { invokeWay, routeBelow, wayBelow, waysToFunction } from "./ways-in.ts";

/** Slow, silent and endless clients, beside one that works. */
let server: TestServer;
/** A head that never ends; the server closes it while the other tests run. */
let slowHead: Promise<{ readonly answer: string }>;

const mebibyte = 1_048_576;
/** What may lie between the two ends beside the server: both sockets' kernel buffers on loopback. */
const betweenBytes = 12 * mebibyte;
/** What one stalled exchange may cost the server, by THREATS T16. */
const serverBytes = 8 * mebibyte;
/** What the engine's heap and compiler take meanwhile; 1 to 8 MiB were seen in all, bound included. */
const noiseBytes = 8 * mebibyte;

const handling = `let taken = 0, produced = 0, cancelled = false, release;
const piece = new Uint8Array(65536);
export default {
  async fetch(request) {
    const { pathname: path, search } = new URL(request.url);
    const pathname = path.replace("/edge/", "/");
    if (pathname === "/counts") return Response.json({ taken, produced, cancelled });
    if (pathname === "/ignore") await new Promise((resolve) => { release = resolve; });
    if (pathname === "/release") release();
    if (pathname === "/take" || search === "?/take") {
      for await (const chunk of request.body) taken += chunk.length;
      return new Response("all of it");
    }
    if (pathname === "/endless") return new Response(new ReadableStream({
      pull(controller) { produced += piece.length; controller.enqueue(piece.slice()); },
      cancel() { cancelled = true; },
    }));
    return new Response("ok");
  },
};`;

beforeAll(async () => {
  server = await startServer();
  const limits = { max_body_in_mb: 1024, max_body_out_mb: 1024, timeout_ms: 60_000 };
  await server.deploy("handling", handling, { limits, concurrency: { max_instances: 1 } });
  await server.deploy("capped", handling, {
    limits: { max_body_in_mb: 1, timeout_ms: 60_000 },
    ...routeBelow("edge"),
  });
  await server.deploy("working", `export default { fetch: () => new Response("works") };`);
  await server.client.setAlias("capped", "beta", [{ revision: 1, weight: 100 }]);
  slowHead = answerToSlowHead();
});

afterAll(async () => {
  await server.stop();
}, 20_000);

async function answerToSlowHead(): Promise<{ readonly answer: string }> {
  const socket = await rawConnection(server.port);
  socket.write("GET /fn/v1/working HTTP/1.1\r\nHost: x\r\nX-Slow: ");
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk.toString("latin1");
    socket.write("a");
  });
  await new Promise((resolve) => socket.once("close", resolve));
  return { answer };
}

async function work(times: number): Promise<number> {
  let errors = 0;
  for (let call = 0; call < times; call++) {
    const { answers } = await rawExchange(
      server.port,
      "GET /fn/v1/working HTTP/1.1\r\nHost: x\r\n\r\n",
      { answers: 1 },
    );
    if (answers[0]?.body !== "works") errors += 1;
  }
  return errors;
}

interface Counts {
  readonly taken: number;
  readonly produced: number;
  readonly cancelled: boolean;
}

async function counts(name: string): Promise<Counts> {
  return (await (await server.fetch(`/fn/v1/${name}/counts`)).json()) as Counts;
}

/** Waits until a number stays the same over 20 answers to another client, and returns it. */
async function settled(read: () => number | Promise<number>): Promise<number> {
  let last = -1;
  let same = 0;
  await until("a stalled exchange comes to rest", async () => {
    expect(await work(1)).toBe(0);
    const now = await read();
    same = now === last ? same + 1 : 0;
    last = now;
    return same >= 20;
  });
  return last;
}

/** The server's resident memory: peak since `resetPeak`, in bytes. */
async function peakBytes(): Promise<number> {
  const status = await readFile(`/proc/${server.pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

async function resetPeak(): Promise<number> {
  await writeFile(`/proc/${server.pid}/clear_refs`, "5");
  return peakBytes();
}

/** Writes pieces as long as the socket takes them, until it closes; tells how much the kernel took. */
function pour(
  socket: Socket,
  bytesMax: number,
  frame: (piece: Buffer) => Buffer,
  end = "",
): () => number {
  const piece = frame(Buffer.alloc(65_536, "x"));
  let handed = 0;
  const write = (): void => {
    while (handed < bytesMax && !socket.destroyed) {
      handed += piece.length;
      if (handed >= bytesMax && end !== "") socket.write(Buffer.concat([piece, Buffer.from(end)]));
      else if (!socket.write(piece)) return;
    }
  };
  socket.on("drain", write);
  write();
  return () => handed - socket.writableLength;
}

const chunkOf = (piece: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]);

function chunkedHead(path: string): string {
  return `POST ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`;
}

test("300 connections with slow heads and bodies leave a working client without an error", async () => {
  const slow = await Promise.all(Array.from({ length: 300 }, () => rawConnection(server.port)));
  for (const [index, socket] of slow.entries()) {
    const head =
      index % 2 === 0 ? "GET /fn/v1/working HTTP/1.1\r\nX: " : chunkedHead("/fn/v1/capped/take");
    socket.write(head);
  }
  let errors = 0;
  for (let round = 0; round < 10; round++) {
    errors += await work(20);
    for (const [index, socket] of slow.entries()) {
      if (!socket.destroyed) socket.write(index % 2 === 0 ? "a" : "1\r\na\r\n");
    }
  }
  expect(errors).toBe(0);
  for (const socket of slow) socket.destroy();
  expect(await work(20)).toBe(0);
}, 20_000);

for (const way of ["declared", "chunked"] as const) {
  test(`an upload of 1 GiB over its cap, ${way}, is answered with 413 and not taken in`, async () => {
    const { taken: takenBefore } = await counts("capped");
    await resetPeak();
    const startBytes = await peakBytes();
    const socket = await rawConnection(server.port);
    const answered = new Promise<string>((resolve) => {
      socket.once("data", (chunk) => resolve(chunk.toString("latin1")));
    });
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => undefined);
    socket.write(
      way === "chunked"
        ? chunkedHead("/fn/v1/capped/take")
        : `POST /fn/v1/capped/take HTTP/1.1\r\nHost: x\r\nContent-Length: ${1024 * mebibyte}\r\n\r\n`,
    );
    const poured = pour(socket, 1024 * mebibyte, way === "chunked" ? chunkOf : (piece) => piece);
    const answer = await answered;
    expect(answer).toStartWith("HTTP/1.1 413 ");
    expect(answer).toContain("payload_too_large");
    socket.destroy();
    await closed;
    // Its cap is 1 MiB; the rest lies in the kernel or was read only to be dropped.
    expect((await counts("capped")).taken - takenBefore).toBeLessThanOrEqual(mebibyte);
    expect((await peakBytes()) - startBytes).toBeLessThan(serverBytes + noiseBytes);
    console.log(
      `1 GiB ${way} over its cap: ${(poured() / mebibyte).toFixed(1)} MiB left the client, memory +${(((await peakBytes()) - startBytes) / mebibyte).toFixed(1)} MiB`,
    );
  });
}

interface BodyPlace {
  readonly host: string;
  readonly target: string;
  readonly type: string;
  /** The server's own path: the key is asked for first. */
  readonly isServers: boolean;
  /** What may be held of a body before its cap: only code may be large. */
  readonly heldMax: number;
}

function bodyPlaces(): readonly BodyPlace[] {
  const worker = invokeWay("capped");
  const json = "application/json";
  const own = (target: string, type = json, heldMax = mebibyte): BodyPlace => ({
    host: "127.0.0.1",
    target,
    type,
    isServers: true,
    heldMax,
  });
  const toFunction = (host: string, target: string, type: string): BodyPlace => ({
    host,
    target,
    type,
    isServers: false,
    heldMax: mebibyte,
  });
  return [
    ...[...waysToFunction("capped"), wayBelow("edge")].map(({ host, prefix }) =>
      toFunction(host, `${prefix}/take`, "text/plain"),
    ),
    toFunction(worker.host, `${worker.prefix}?/take`, json),
    own("/api/v1/functions"),
    own("/fn/v1/_admin/functions"),
    own("/api/v1/keys"),
    own("/api/v1/playground/run"),
    own("/deploy", json, 72 * mebibyte),
    own("/api/v1/functions/capped/deployments", "application/zip", 50 * mebibyte),
    own("/api/v1/functions/capped/deployments", json, 72 * mebibyte),
  ];
}

test("a body without an end is refused on every way in that takes one, with a key and without", async () => {
  for (const { host, target, type, isServers, heldMax } of bodyPlaces()) {
    for (const key of [server.key, "rk_wrong"]) {
      const startBytes = await resetPeak();
      const socket = await rawConnection(server.port);
      const answered = new Promise<string>((resolve) => {
        socket.once("data", (chunk) => resolve(chunk.toString("latin1")));
      });
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.on("error", () => undefined);
      const lines = [`Host: ${host}`, `X-Reactor-Key: ${key}`, `Content-Type: ${type}`];
      socket.write(
        `POST ${target} HTTP/1.1\r\n${lines.join("\r\n")}\r\nTransfer-Encoding: chunked\r\n\r\n`,
      );
      const poured = pour(socket, 1024 * mebibyte, chunkOf);
      const answer = await answered;
      socket.destroy();
      await closed;
      const grownBytes = (await peakBytes()) - startBytes;
      const isAsked = isServers && key !== server.key;
      const what = `${host} ${target} ${type}`;
      expect({ what, status: answer.slice(9, 12) }).toEqual({
        what,
        status: isAsked ? "401" : "413",
      });
      const heldBytes = isAsked ? 0 : heldMax;
      const takenMax = heldBytes + serverBytes + betweenBytes;
      expect({ what, right: poured() < takenMax, takenMax }).toMatchObject({ what, right: true });
      const grownMax = heldBytes + serverBytes + noiseBytes;
      expect({ what, right: grownBytes < grownMax, grownBytes }).toMatchObject({
        what,
        right: true,
      });
    }
  }
}, 60_000);

test("an upload that the function does not read comes to rest: nothing gathers in the server", async () => {
  const startBytes = await resetPeak();
  const socket = await rawConnection(server.port);
  socket.on("error", () => undefined);
  socket.write(chunkedHead("/fn/v1/handling/ignore"));
  const poured = pour(socket, 1024 * mebibyte, chunkOf);
  const restingBytes = await settled(poured);
  const grownBytes = (await peakBytes()) - startBytes;
  console.log(
    `upload that nobody reads: rests after ${(restingBytes / mebibyte).toFixed(1)} MiB, memory +${(grownBytes / mebibyte).toFixed(1)} MiB`,
  );
  expect(restingBytes).toBeLessThan(serverBytes + betweenBytes);
  expect(grownBytes).toBeLessThan(serverBytes + noiseBytes);
  // A client that leaves now is not seen to: its end lies behind bytes that nobody reads.
  expect((await server.fetch("/fn/v1/handling/release")).status).toBe(200);
  socket.destroy();
}, 20_000);

for (const way of ["declared", "chunked"] as const) {
  test(`an upload of 256 MiB that is read passes whole, ${way}, and nothing of it gathers in the server`, async () => {
    const before = (await counts("handling")).taken;
    const startBytes = await resetPeak();
    const socket = await rawConnection(server.port);
    const answered = new Promise<string>((resolve) => {
      socket.once("data", (chunk) => resolve(chunk.toString("latin1")));
    });
    const total = 256 * mebibyte;
    if (way === "declared") {
      socket.write(
        `POST /fn/v1/handling/take HTTP/1.1\r\nHost: x\r\nContent-Length: ${total}\r\n\r\n`,
      );
      pour(socket, total, (piece) => piece);
    } else {
      socket.write(chunkedHead("/fn/v1/handling/take"));
      pour(socket, total, (piece) => chunkOf(piece.subarray(0, 16_384)), "0\r\n\r\n");
    }
    expect(await answered).toStartWith("HTTP/1.1 200 ");
    socket.destroy();
    const taken = (await counts("handling")).taken - before;
    if (way === "declared") expect(taken).toBe(total);
    else expect(taken).toBeGreaterThan(0.99 * total);
    const grownBytes = (await peakBytes()) - startBytes;
    console.log(
      `upload of 256 MiB that is read, ${way}: memory +${(grownBytes / mebibyte).toFixed(1)} MiB`,
    );
    expect(grownBytes).toBeLessThan(serverBytes + noiseBytes);
  }, 20_000);
}

test("a reader that stops stops the function, and its leaving ends it", async () => {
  const startBytes = await resetPeak();
  const socket = await rawConnection(server.port);
  socket.on("error", () => undefined);
  const begun = new Promise((resolve) => socket.once("data", resolve));
  socket.write("GET /fn/v1/handling/endless HTTP/1.1\r\nHost: x\r\n\r\n");
  await begun;
  socket.pause();
  const restingBytes = await settled(async () => (await counts("handling")).produced);
  const grownBytes = (await peakBytes()) - startBytes;
  console.log(
    `reader that stops: the function rests after ${(restingBytes / mebibyte).toFixed(1)} MiB, memory +${(grownBytes / mebibyte).toFixed(1)} MiB`,
  );
  expect(restingBytes).toBeLessThan(serverBytes + betweenBytes);
  expect(grownBytes).toBeLessThan(serverBytes + noiseBytes);
  socket.destroy();
  await until(
    "the function hears that its client left",
    async () => (await counts("handling")).cancelled,
  );
}, 20_000);

test("a head that does not end is closed, with 400 or without a word", async () => {
  const { answer } = await slowHead;
  expect(answer).toMatch(/^(?:$|HTTP\/1\.1 (?:400|408) )/);
}, 25_000);
