import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { rawConnection, rawExchange } from "./raw-http.ts";
import { startServer, type TestServer, until } from "./reactor.ts";
import { invokeWay, routeBelow, type WayIn, wayBelow, waysToFunction } from "./ways-in.ts";

/**
 * The edge's timers on real sockets, lowered by their settings: each ends a client that is silent
 * where it owes something, and nobody else.
 */
let server: TestServer;

const idleMs = 1500;
const silentClients = 60;

const handling = `let cancelled = 0, release;
const piece = new Uint8Array(65536);
export default {
  async fetch(request) {
    const pathname = new URL(request.url).pathname.replace("/edge/", "/");
    if (pathname === "/cancelled") return Response.json(cancelled);
    if (pathname === "/take") {
      let taken = 0;
      for await (const chunk of request.body) taken += chunk.length;
      return new Response(String(taken));
    }
    if (pathname === "/wait") {
      await new Promise((resolve) => { release = resolve; });
      return new Response("waited");
    }
    if (pathname === "/release") {
      release();
      return new Response("released");
    }
    return new Response(new ReadableStream({
      pull(controller) { controller.enqueue(piece.slice()); },
      cancel() { cancelled += 1; },
    }));
  },
};`;

beforeAll(async () => {
  server = await startServer({
    env: {
      REACTOR_HTTP_BODY_IDLE_MS: String(idleMs),
      REACTOR_HTTP_WRITE_IDLE_MS: String(idleMs),
      REACTOR_HTTP_HEADERS_TIMEOUT_MS: String(idleMs),
      REACTOR_HTTP_KEEP_ALIVE_MS: String(idleMs),
    },
  });
  const limits = { max_body_in_mb: 64, max_body_out_mb: 1024, timeout_ms: 60_000 };
  const concurrency = { max_instances: 1, per_instance: 100, max_concurrency: 100 };
  await server.deploy("handling", handling, { limits, concurrency, ...routeBelow("edge") });
  await server.deploy("working", `export default { fetch: () => new Response("works") };`);
  await server.client.setAlias("handling", "beta", [{ revision: 1, weight: 100 }]);
});

afterAll(async () => {
  await server.stop();
}, 20_000);

interface Client {
  readonly socket: Socket;
  readonly text: () => string;
  readonly closed: Promise<void>;
  readonly isClosed: () => boolean;
}

async function client(first: string | Buffer): Promise<Client> {
  const socket = await rawConnection(server.port);
  let text = "";
  let isClosed = false;
  socket.on("data", (chunk) => (text += chunk.toString("latin1")));
  socket.on("error", () => socket.destroy());
  const closed = new Promise<void>((resolve) => {
    socket.once("close", () => {
      isClosed = true;
      resolve();
    });
  });
  socket.write(first);
  return { socket, text: () => text, closed, isClosed: () => isClosed };
}

/** Calls the working function until the condition holds; returns how many calls failed. */
async function workUntil(what: string, holds: () => boolean | Promise<boolean>): Promise<number> {
  let errors = 0;
  await until(what, async () => {
    const { answers } = await rawExchange(
      server.port,
      "GET /fn/v1/working HTTP/1.1\r\nHost: x\r\n\r\n",
      { answers: 1 },
    );
    if (answers[0]?.body !== "works") errors += 1;
    return holds();
  });
  return errors;
}

const declared = (bytes: number): string =>
  `POST /fn/v1/handling/take HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n`;
const chunked =
  "POST /fn/v1/handling/take HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

describe("a client that falls silent in its body", () => {
  // A small body is gathered before the function is asked; a large one is on its way to it.
  for (const [kind, first] of [
    ["small", `${declared(1000)}some of it`],
    ["large", Buffer.concat([Buffer.from(declared(9_000_000)), Buffer.alloc(300_000, "x")])],
    ["chunked", `${chunked}a\r\n0123456789\r\n`],
  ] as const) {
    test(`is answered with 400 and let go, others are served meanwhile (${kind})`, async () => {
      const silent = await Promise.all(Array.from({ length: silentClients }, () => client(first)));
      const errors = await workUntil("the silent clients are let go", () =>
        silent.every(({ isClosed }) => isClosed()),
      );
      expect(errors).toBe(0);
      const answers = new Set(silent.map(({ text }) => text().split("\r\n")[0]));
      expect([...answers]).toEqual(["HTTP/1.1 400 Bad Request"]);
      expect(silent[0]?.text()).toContain(`nothing came of its body for ${idleMs} ms`);
      // Their requests are over: the function has its slots back.
      const next = await rawExchange(server.port, `${declared(4)}body`, { answers: 1 });
      expect(next.answers[0]?.body).toBe("4");
    }, 30_000);
  }
});

/** Every place that takes a body, with the request that would be right. */
function bodyPlaces(): readonly { readonly way: WayIn; readonly type: string }[] {
  const own = (prefix: string, type = "application/json"): { way: WayIn; type: string } => ({
    way: { name: prefix, host: "127.0.0.1", prefix },
    type,
  });
  const worker = invokeWay("handling");
  return [
    ...[...waysToFunction("handling"), wayBelow("edge")].map((way) => ({
      way: { ...way, prefix: `${way.prefix}/take` },
      type: "text/plain",
    })),
    { way: { ...worker, prefix: `${worker.prefix}?/take` }, type: "application/json" },
    own("/api/v1/functions"),
    own("/fn/v1/_admin/functions"),
    own("/api/v1/functions/handling/deployments", "application/zip"),
    own("/api/v1/functions/handling/deployments", "application/gzip"),
    own("/api/v1/playground/run"),
    own("/deploy"),
  ];
}

test("a silent body is given up on every way in that takes one, declared or chunked", async () => {
  const framings = ["Content-Length: 200000", "Transfer-Encoding: chunked"];
  const silent = await Promise.all(
    bodyPlaces().flatMap(({ way, type }) =>
      framings.map(async (framing) => {
        const lines = [
          `Host: ${way.host}`,
          `Authorization: Bearer ${server.key}`,
          `Content-Type: ${type}`,
          framing,
        ];
        const first = `POST ${way.prefix} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
        const body = framing.endsWith("chunked") ? "1\r\n{\r\n" : "{";
        return { what: `${way.name} ${type} ${framing}`, client: await client(first + body) };
      }),
    ),
  );
  const errors = await workUntil("every silent body is given up", () =>
    silent.every(({ client: { isClosed } }) => isClosed()),
  );
  expect(errors).toBe(0);
  const wrong = silent.flatMap(({ what, client: { text } }) =>
    text().startsWith("HTTP/1.1 400 ") && text().includes("nothing came of its body")
      ? []
      : [{ what, text: text() }],
  );
  expect(wrong).toEqual([]);
}, 30_000);

test("a reader that stops is cut on every way to a function", async () => {
  const ways = [
    ...[...waysToFunction("handling"), wayBelow("edge")].map((way) => ({
      ...way,
      method: "GET",
      rest: "/endless",
    })),
    { ...invokeWay("handling"), method: "POST", rest: "" },
  ];
  const before = await cancelled();
  const stalled = await Promise.all(
    ways.map(async ({ host, prefix, method, rest }) => {
      const reader = await client(`${method} ${prefix}${rest} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      reader.socket.once("data", () => reader.socket.pause());
      return reader;
    }),
  );
  await workUntil(
    "the function hears that all of them are gone",
    async () => (await cancelled()) - before === ways.length,
  );
  for (const { socket } of stalled) socket.destroy();
}, 90_000);

test("a reader of the server's own streams that stops is cut: a followed log and a backup", async () => {
  await server.deploy(
    "chatty",
    `export default { async fetch() {
      for (let line = 0; line < 300; line++) {
        console.log(line + "x".repeat(12_000));
        if (line % 50 === 49) await new Promise((done) => setTimeout(done, 1));
      }
      return new Response("logged");
    } };`,
  );
  // More than the kernel holds for a reader; the lines of one request at once are bounded.
  for (let call = 0; call < 12; call++) {
    expect(await (await server.fetch("/fn/v1/chatty")).text()).toBe("logged");
  }
  const files = new Map([
    ["index.ts", Buffer.from("export default { fetch: () => new Response() };")],
    ["large.bin", randomBytes(32 << 20)],
  ]);
  await server.client.deploy("heavy", { files, createFunction: true });
  await until("clients of before are gone", async () => (await openConnections()) === 0);
  const key = `Host: 127.0.0.1\r\nAuthorization: Bearer ${server.key}\r\n`;
  const requests = [
    `GET /api/v1/functions/chatty/logs?follow=true&after=0 HTTP/1.1\r\n${key}Accept: text/event-stream\r\n\r\n`,
    `POST /api/v1/backup HTTP/1.1\r\n${key}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
  ];
  const stalled = await Promise.all(
    requests.map(async (request) => {
      const reader = await client(request);
      await new Promise<void>((resolve) => {
        reader.socket.once("data", () => {
          reader.socket.pause();
          resolve();
        });
      });
      return reader;
    }),
  );
  expect(stalled.map(({ text }) => text().slice(0, 12))).toEqual(["HTTP/1.1 200", "HTTP/1.1 200"]);
  // A log that lies in the kernel's buffers to its end keeps nobody waiting, so it goes on.
  await until(
    "the server has let both connections go",
    async () => {
      await (await server.fetch("/fn/v1/chatty", { headers: { connection: "close" } })).text();
      return (await openConnections()) === 0;
    },
    { looksMax: 5000 },
  );
  for (const { socket } of stalled) socket.destroy();
  // What each held is free again: a second backup would be refused while the first one lasts.
  const again = await server.fetch("/api/v1/backup", {
    method: "POST",
    headers: { authorization: `Bearer ${server.key}` },
  });
  expect(again.status).toBe(200);
  expect((await again.arrayBuffer()).byteLength).toBeGreaterThan(32 << 20);
}, 200_000);

test("one that sends a byte now and then, and one whose function takes its time, are answered", async () => {
  const slow = await client(chunked);
  const waiting = await client("GET /fn/v1/handling/wait HTTP/1.1\r\nHost: x\r\n\r\n");
  // As long as it takes until silent ones are let go, one after the other.
  let sent = 0;
  for (let round = 0; round < 2; round++) {
    const silent = await client(chunked);
    await workUntil("a silent client is let go", () => {
      slow.socket.write("1\r\nx\r\n");
      sent += 1;
      return silent.isClosed();
    });
  }
  slow.socket.write("0\r\n\r\n");
  await until("the slow body is taken", () => slow.text().endsWith(`\r\n\r\n${sent}`));
  expect((await server.fetch("/fn/v1/handling/release")).status).toBe(200);
  await until("the late answer arrives", () => waiting.text().endsWith("\r\n\r\nwaited"));
  for (const { socket } of [slow, waiting]) socket.destroy();
}, 30_000);

test("a client that takes nothing of its answer is cut, the function is told, others are served", async () => {
  const before = await cancelled();
  const stalled = await Promise.all(
    Array.from({ length: silentClients }, async () => {
      const reader = await client("GET /fn/v1/handling/endless HTTP/1.1\r\nHost: x\r\n\r\n");
      reader.socket.once("data", () => reader.socket.pause());
      return reader;
    }),
  );
  const errors = await workUntil(
    "the function hears that all of them are gone",
    async () => (await cancelled()) - before === silentClients,
  );
  expect(errors).toBe(0);
  for (const { socket } of stalled) socket.destroy();
}, 90_000);

test("heads that do not end and connections that rest are closed at their own time", async () => {
  const heads = await Promise.all(
    Array.from({ length: silentClients }, () => client("GET /fn/v1/working HTTP/1.1\r\nX: ")),
  );
  const resting = await Promise.all(
    Array.from({ length: silentClients }, () =>
      client("GET /fn/v1/working HTTP/1.1\r\nHost: x\r\n\r\n"),
    ),
  );
  const errors = await workUntil("both kinds are let go", () =>
    [...heads, ...resting].every(({ isClosed }) => isClosed()),
  );
  expect(errors).toBe(0);
  expect(new Set(heads.map(({ text }) => text().split("\r\n")[0]))).toEqual(
    new Set(["HTTP/1.1 400 Bad Request"]),
  );
  for (const { text } of resting) expect(text()).toEndWith("\r\n\r\nworks");
}, 30_000);

/** Connections of clients that the server has not let go. */
async function openConnections(): Promise<number> {
  const port = server.port.toString(16).toUpperCase().padStart(4, "0");
  const table = await readFile(`/proc/${server.pid}/net/tcp`, "utf8");
  // Local address, remote address, state: 01 is established.
  const ours = new RegExp(`^ *\\d+: [0-9A-F]{8}:${port} [0-9A-F:]+ 01 `, "gm");
  return table.match(ours)?.length ?? 0;
}

async function cancelled(): Promise<number> {
  return Number(await (await server.fetch("/fn/v1/handling/cancelled")).text());
}
