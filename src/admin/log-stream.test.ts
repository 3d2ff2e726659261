import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { createVirtualClock, systemClock } from "../base/clock.ts";
import { createDeferred } from "../base/deferred.ts";
import { silentLog } from "../base/log.ts";
import { logStream } from "./log-stream.ts";
import { type AdminServer, startAdminServer } from "./testing/admin-server.ts";
import { type ArrayLog, createArrayLog } from "./testing/array-log.ts";
import {
  adminKey,
  createRecordingControl,
  type RecordingControl,
  sampleLine,
} from "./testing/recording-control.ts";

const path = "/api/v1/functions/hello/logs";
const headers = { Authorization: `Bearer ${adminKey}`, Accept: "text/event-stream" };

let control: RecordingControl;
let log: ArrayLog;
let server: AdminServer;
beforeEach(async () => {
  control = createRecordingControl();
  log = createArrayLog();
  control.answer("logs.follow", ({ afterSeq, signal }) => log.follow(afterSeq, signal));
  server = await startAdminServer(control);
});
afterEach(() => server[Symbol.asyncDispose]());

/** Text of the stream until it contains `wanted` or ends. */
async function readUntil(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  wanted: string,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  while (!text.includes(wanted)) {
    const { done, value } = await reader.read();
    if (done) return text;
    text += decoder.decode(value, { stream: true });
  }
  return text;
}

function readerOf(response: Response): ReadableStreamDefaultReader<Uint8Array> {
  const reader = response.body?.getReader();
  if (!reader) throw new Error("no body");
  return reader;
}

/** Waits, a turn at a time, for what other turns bring about. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await systemClock.sleep(1);
}

describe("following", () => {
  test("sends stored lines and new ones as events with their seq as id", async () => {
    log.append(sampleLine(1, "stored\nin two lines"));
    const response = await fetch(server.url + path, { headers });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const reader = readerOf(response);
    const stored = await readUntil(reader, "id: 1\n");
    expect(stored).toStartWith(": following\n\n");
    expect(stored).toContain("id: 1\nevent: log\ndata: {");
    expect(stored).toContain("stored\\nin two lines");
    log.append(sampleLine(2, "new"));
    expect(await readUntil(reader, '"new"')).toContain("id: 2\nevent: log\n");
    await reader.cancel();
  });

  test("resumes after Last-Event-ID, which wins over `after`", async () => {
    for (let seq = 1; seq <= 5; seq++) log.append(sampleLine(seq));
    const response = await fetch(`${server.url}${path}?follow=true&after=1`, {
      headers: { Authorization: headers.Authorization, "Last-Event-ID": "3" },
    });
    const text = await readUntil(readerOf(response), "id: 5\n");
    expect(text.match(/^id: \d+$/gm)).toEqual(["id: 4", "id: 5"]);
    const bad = await fetch(server.url + path, { headers: { ...headers, "Last-Event-ID": "x" } });
    expect(bad.status).toBe(400);
  });

  test("passes the filters on, and leaves out lines from before `since`", async () => {
    for (let seq = 1; seq <= 3; seq++) log.append(sampleLine(seq));
    const since = new Date(sampleLine(3).atMs).toISOString();
    const response = await fetch(
      `${server.url}${path}?level=error,info&request_id=r&since=${since}`,
      { headers },
    );
    const text = await readUntil(readerOf(response), "id: 3\n");
    expect(text.match(/^id: \d+$/gm)).toEqual(["id: 3"]);
    expect(control.calls[0]?.input).toMatchObject({
      levels: ["info", "error"],
      requestId: "r",
      afterSeq: undefined,
    });
  });

  test("`follow=false` reads even when events are accepted", async () => {
    const response = await fetch(`${server.url}${path}?follow=false`, { headers });
    expect(await response.json()).toMatchObject({ items: [{ seq: 1 }, { seq: 2 }] });
  });

  test("is refused before the stream begins, with the envelope", async () => {
    const hostile = await fetch(server.url + path, {
      headers: { ...headers, Origin: "http://evil.test" },
    });
    expect(hostile.status).toBe(403);
    const missing = await fetch(server.url + path, { headers: { Accept: "text/event-stream" } });
    expect(missing.status).toBe(401);
    expect(log.followers).toBe(0);
  });

  test("HEAD opens no follower", async () => {
    const response = await fetch(server.url + path, { method: "HEAD", headers });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(log.followers).toBe(0);
  });
});

describe("a follower", () => {
  test("ends when its client leaves", async () => {
    log.append(sampleLine(1));
    const leave = new AbortController();
    const response = await fetch(server.url + path, { headers, signal: leave.signal });
    await readUntil(readerOf(response), "id: 1\n");
    expect(log.followers).toBe(1);
    leave.abort();
    await until(() => log.followers === 0);
  });

  test("ends when the server stops, and none begins after that", async () => {
    log.append(sampleLine(1));
    const reader = readerOf(await fetch(server.url + path, { headers }));
    await readUntil(reader, "id: 1\n");
    server.admin.close();
    expect(await readUntil(reader, "never")).not.toContain("never");
    await until(() => log.followers === 0);
    expect((await fetch(server.url + path, { headers })).status).toBe(429);
  });

  test("beyond the bound is refused, and has room again when one leaves", async () => {
    await using small = await startAdminServer(control, { limits: { followersMax: 1 } });
    log.append(sampleLine(1));
    const leave = new AbortController();
    const first = await fetch(small.url + path, { headers, signal: leave.signal });
    await readUntil(readerOf(first), "id: 1\n");
    const second = await fetch(small.url + path, { headers });
    expect(second.status).toBe(429);
    expect(await second.json()).toMatchObject({ error: { details: { followers_max: 1 } } });
    leave.abort();
    await until(() => log.followers === 0);
    const third = await fetch(small.url + path, { headers });
    expect(third.status).toBe(200);
    await third.body?.cancel();
  });

  test("gets heartbeats while nothing is logged, until its key is revoked", async () => {
    const clock = createVirtualClock();
    await using timed = await startAdminServer(control, { clock });
    const reader = readerOf(await fetch(timed.url + path, { headers }));
    await readUntil(reader, ": following");
    await clock.advance(15_000);
    expect(await readUntil(reader, ": alive\n\n")).toContain(": alive\n\n");
    control.revoke(adminKey);
    await clock.advance(15_000);
    expect((await reader.read()).done).toBe(true);
    await until(() => log.followers === 0);
  });

  test("that reads nothing holds the log back, and is let go after three heartbeats", async () => {
    const clock = createVirtualClock();
    await using timed = await startAdminServer(control, { clock });
    const total = 4000;
    for (let seq = 1; seq <= total; seq++) log.append(sampleLine(seq, "x".repeat(16_000)));
    const socket = connect(timed.port, "127.0.0.1");
    socket.pause();
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n` +
        `Authorization: ${headers.Authorization}\r\n\r\n`,
    );
    await until(() => log.followers === 1 && log.taken > 0);
    // Buffers on the way fill up first; from then on three heartbeats find no room.
    while (log.followers > 0) {
      await clock.advance(15_000);
      await systemClock.sleep(10);
    }
    expect(log.taken).toBeLessThan(total);
    socket.destroy();
  });

  test("that takes nothing has 64 KiB of events and the one beyond waiting, however much is logged", async () => {
    const clock = createVirtualClock();
    const stored = createArrayLog();
    for (let seq = 1; seq <= 1000; seq++) stored.append(sampleLine(seq, "x".repeat(10_000)));
    const follower = new AbortController();
    const response = logStream({
      lines: stored.follow(undefined, follower.signal),
      eventOf: ({ seq, message }) => ({ id: seq, data: message }),
      follower,
      ended: () => {},
      headOnly: false,
      mayGoOn: () => true,
      disconnect: () => {},
      clock,
      log: silentLog,
      heartbeatMs: 15_000,
    });
    await until(() => stored.taken >= 7);
    // Heartbeats find no room and add nothing; the third one lets it go.
    await clock.advance(45_000);
    expect(stored.taken).toBe(7);
    const waiting: number[] = [];
    const reader = readerOf(response);
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      waiting.push(read.value.length);
    }
    expect(waiting.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(64 * 1024 + 10_100);
  });

  test("whose log breaks off sees a broken connection, not a clean end", async () => {
    const broken = createDeferred<void>();
    control.answer("logs.follow", () =>
      (async function* () {
        yield sampleLine(1);
        await broken.promise;
        throw new Error("segment is gone");
      })(),
    );
    const reader = readerOf(await fetch(server.url + path, { headers }));
    await readUntil(reader, "id: 1");
    broken.resolve();
    const outcome = readUntil(reader, "never").then(
      () => "ended",
      () => "broken",
    );
    expect(await outcome).toBe("broken");
  });
});
