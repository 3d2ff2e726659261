import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type AdminServer, startAdminServer } from "../admin/testing/admin-server.ts";
import { type ArrayLog, createArrayLog } from "../admin/testing/array-log.ts";
import {
  adminKey,
  createRecordingControl,
  type RecordingControl,
  sampleLine,
} from "../admin/testing/recording-control.ts";
import { systemClock } from "../base/clock.ts";
import { createClient, type ReactorClient } from "./client.ts";
import { ClientError } from "./client-error.ts";

let control: RecordingControl;
let log: ArrayLog;
let server: AdminServer;
let client: ReactorClient;
/** Waits that the client asked for; each is over at once. */
let waitsMs: number[];

/** Short waits (between attempts) are over at once, long ones (silence) are real. */
const impatientClock = {
  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    if (delayMs >= 45_000) return systemClock.sleep(delayMs, signal);
    waitsMs.push(delayMs);
    return systemClock.sleep(0, signal);
  },
};

beforeEach(async () => {
  waitsMs = [];
  control = createRecordingControl();
  log = createArrayLog();
  control.answer("logs.follow", ({ afterSeq, signal }) => log.follow(afterSeq, signal));
  server = await startAdminServer(control);
  client = createClient({ url: server.url, key: adminKey, clock: impatientClock });
});
afterEach(() => server[Symbol.asyncDispose]());

async function codeOf(iterable: AsyncIterable<unknown>): Promise<string> {
  try {
    for await (const item of iterable) throw new Error(`got ${JSON.stringify(item)}`);
  } catch (error) {
    if (error instanceof ClientError) return error.code;
    throw error;
  }
  return "ended";
}

describe("followLogs()", () => {
  test("yields 10,000 lines once and in order over lost connections", async () => {
    const total = 10_000;
    const block = 2000;
    const append = (after: number): void => {
      for (let seq = after + 1; seq <= after + block; seq++) log.append(sampleLine(seq));
    };
    append(0);
    const seqs: number[] = [];
    const lost: number[] = [];
    const follow = client.followLogs("hello", { onReconnect: (attempt) => lost.push(attempt) });
    for await (const { seq, message } of follow) {
      seqs.push(seq);
      expect(message).toBe(`line ${seq}`);
      if (seq === total) break;
      // In mid-block the lines on the way are lost and must come again.
      if (seq === block / 2) server.cutConnections();
      // The next block appears only after the cut, so it can only come over a new connection.
      if (seq % block === 0) {
        server.cutConnections();
        append(seq);
      }
    }
    expect(seqs).toEqual(Array.from({ length: total }, (_, i) => i + 1));
    expect(lost.length).toBeGreaterThanOrEqual(total / block - 1);
    expect(new Set(lost)).toEqual(new Set([1]));
    // Leaving the loop ends the follower on the server too.
    while (log.followers > 0) await systemClock.sleep(1);
  });

  test("begins after the line that is named, and passes filters on", async () => {
    for (let seq = 1; seq <= 5; seq++) log.append(sampleLine(seq));
    const since = new Date(sampleLine(4).atMs);
    const options = { after: 1, levels: ["info"] as const, requestId: "r", since };
    for await (const { seq } of client.followLogs("hello", options)) {
      expect(seq).toBe(4);
      break;
    }
    expect(control.calls[0]?.input).toMatchObject({
      afterSeq: 1,
      levels: ["info"],
      requestId: "r",
    });
  });

  test("ends without throwing when its signal aborts, while waiting or before it began", async () => {
    log.append(sampleLine(1));
    const leave = new AbortController();
    const seqs: number[] = [];
    for await (const { seq } of client.followLogs("hello", { signal: leave.signal })) {
      seqs.push(seq);
      setTimeout(() => leave.abort(), 5);
    }
    expect(seqs).toEqual([1]);
    expect(await codeOf(client.followLogs("hello", { signal: leave.signal }))).toBe("ended");
  });

  test("throws a refusal and an unreachable server at once", async () => {
    const anonymous = createClient({ url: server.url, clock: impatientClock });
    expect(await codeOf(anonymous.followLogs("hello"))).toBe("auth_required");
    const nowhere = createClient({ url: "http://127.0.0.1:1", clock: impatientClock });
    expect(await codeOf(nowhere.followLogs("hello"))).toBe("unreachable");
    const other = createClient({
      url: "http://proxy.test",
      fetch: async () => new Response("<html>", { headers: { "Content-Type": "text/html" } }),
    });
    expect(await codeOf(other.followLogs("hello"))).toBe("unexpected_response");
    expect(waitsMs).toEqual([]);
  });

  test("waits longer and longer for a server that is gone, and gives up at the bound", async () => {
    log.append(sampleLine(1));
    const attempts: number[] = [];
    const follow = client.followLogs("hello", {
      attemptsMax: 8,
      onReconnect: (attempt) => attempts.push(attempt),
    });
    const outcome = (async () => {
      for await (const { seq } of follow) {
        expect(seq).toBe(1);
        await server[Symbol.asyncDispose]();
      }
    })();
    const error = await outcome.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "unreachable" });
    expect(attempts).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(waitsMs).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  test("takes a line that a proxy replays only once", async () => {
    const event = (seq: number): string =>
      `id: ${seq}\nevent: log\ndata: ${JSON.stringify({ ...sampleLine(seq) })}\n\n`;
    const replaying = createClient({
      url: "http://proxy.test",
      clock: impatientClock,
      fetch: async () =>
        new Response([1, 2, 1, 2, 3].map(event).join(""), {
          headers: { "Content-Type": "text/event-stream" },
        }),
    });
    const seqs: number[] = [];
    for await (const { seq } of replaying.followLogs("hello", { attemptsMax: 2 })) {
      seqs.push(seq);
      if (seq === 3) break;
    }
    expect(seqs).toEqual([1, 2, 3]);
  });
});
