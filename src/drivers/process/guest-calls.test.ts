import { expect, test } from "bun:test";
import { systemClock } from "../../base/clock.ts";
import { createDeferred } from "../../base/deferred.ts";
import { WireConnection } from "../../wire/connection.ts";
import { frameType } from "../../wire/frames.ts";
import { WireError } from "../../wire/wire-error.ts";
import { type CallPlatform, createCallPlatform } from "../guest/call-platform.ts";
import type { CallSession } from "../platform-calls.ts";
import { GuestCalls } from "./guest-calls.ts";
import { InstanceLog } from "./instance-log.ts";
import { defaultLogBudget } from "./log-meter.ts";

const owner = { invocationId: "inv_1", requestId: "req_1" };
const nothing = { data() {}, end() {}, cancelled() {}, drained() {}, closed() {} };
const MiB = 1024 * 1024;

interface Ends {
  readonly calls: GuestCalls;
  readonly call: CallPlatform;
  readonly guest: WireConnection;
  readonly host: WireConnection;
  readonly broken: Promise<WireError>;
}

/** A guest and its host in one process, whose bytes go over at the end of each turn. */
function connect(serve: CallSession["call"], session: Partial<CallSession> = {}): Ends {
  const log = new InstanceLog({
    clock: systemClock,
    budget: defaultLogBudget,
    single: () => undefined,
  });
  const calls = new GuestCalls(
    { open: () => ({ call: serve, ended() {}, close() {}, ...session }) },
    log,
  );
  calls.bind("default");
  const broken = createDeferred<WireError>();
  const endOfTurn = (flush: () => void): void => queueMicrotask(flush);
  const host: WireConnection = new WireConnection({
    role: "host",
    sink: {
      write(bytes) {
        const copy = Buffer.from(bytes);
        setImmediate(() => guest.receive(copy));
        return true;
      },
    },
    listener: {
      frame() {},
      opened: (stream, _type, payload) => calls.open(stream, payload),
      closed: (error) => broken.resolve(error),
    },
    payloadBytesMax: 256 * 1024,
    peerStreamsMax: 256,
    endOfTurn,
  });
  const guest: WireConnection = new WireConnection({
    role: "guest",
    sink: {
      write(bytes) {
        const copy = Buffer.from(bytes);
        setImmediate(() => host.receive(copy));
        return true;
      },
    },
    listener: { frame() {}, opened: () => nothing, closed() {} },
    payloadBytesMax: 64 * MiB,
    peerStreamsMax: 256,
    endOfTurn,
  });
  const call = createCallPlatform((listener) => guest.open(listener));
  return { calls, call, guest, host, broken: broken.promise };
}

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "answered",
    (error: { readonly code?: string }) => error.code,
  );

test("parameters and results of any size within the limits pass whole", async () => {
  const { call } = connect(({ method, params, owner: from }) =>
    Promise.resolve(JSON.stringify({ method, params, from })),
  );
  for (const text of ["small", "ä".repeat(3 * MiB)]) {
    expect(await call("db.sql", { text }, owner)).toEqual({
      method: "db.sql",
      params: { text },
      from: owner,
    });
  }
});

test("a failure comes with its code and what is known of it", async () => {
  const { call } = connect(() =>
    Promise.reject(
      Object.assign(new Error("taken"), { code: "query_failed", facts: { sqlstate: "23505" } }),
    ),
  );
  const error = await call("db.sql", {}, owner).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ message: "taken", code: "query_failed", sqlstate: "23505" });
});

test("a call of more than 8 MiB is refused, and the next one is served", async () => {
  const { call } = connect(() => Promise.resolve("1"));
  expect(await codeOf(call("db.sql", "x".repeat(9 * MiB), owner))).toBe("invalid_request");
  expect(await call("db.sql", {}, owner)).toBe(1);
});

test("answers that the guest does not read are bounded, and further ones are refused", async () => {
  const answer = JSON.stringify("x".repeat(8 * MiB - 2));
  const { guest } = connect(() => Promise.resolve(answer));
  const outcomes: Promise<string>[] = [];
  for (let at = 0; at < 6; at++) {
    const heard = createDeferred<string>();
    // Takes the bytes that its credit lets through, and never asks for more.
    const stream = guest.open({
      ...nothing,
      data: () => heard.resolve("streaming"),
      answer: (_type, json) => heard.resolve(json),
    });
    stream.json(frameType.call, { method: "db.sql", invocation: "i", request: "r", params: {} });
    outcomes.push(heard.promise);
  }
  const heard = await Promise.all(outcomes);
  expect(heard.filter((text) => text === "streaming")).toHaveLength(4);
  expect(heard.filter((text) => text.includes("too_many_requests"))).toHaveLength(2);
});

test("an invocation that was cancelled takes its calls with it, one that is answered does not", async () => {
  const signals = new Map<string, AbortSignal>();
  const both = createDeferred<void>();
  const ended: string[] = [];
  const { calls, call } = connect(
    ({ owner: from }, signal) => {
      signals.set(from.invocationId, signal);
      if (signals.size === 2) both.resolve();
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () =>
          reject(Object.assign(new Error("gone"), { code: "query_timeout" })),
        );
      });
    },
    { ended: (id) => ended.push(id) },
  );
  const first = codeOf(call("db.sql", {}, { invocationId: "a", requestId: "r" }));
  void codeOf(call("db.sql", {}, { invocationId: "b", requestId: "r" }));
  await both.promise;
  calls.ended("b", false);
  calls.ended("a", true);
  expect(await first).toBe("query_timeout");
  expect(signals.get("b")?.aborted).toBe(false);
  expect(ended).toEqual(["b", "a"]);
  calls.close();
  expect(signals.get("b")?.aborted).toBe(true);
});

test("an invocation of an instance that never asked anything ends without a word", () => {
  const ended: string[] = [];
  const { calls } = connect(() => Promise.resolve("1"), { ended: (id) => ended.push(id) });
  calls.ended("a", true);
  expect(ended).toEqual([]);
});

test("a call that is no call breaks the connection", async () => {
  for (const payload of [
    "nonsense",
    "{}",
    '{"method":1,"invocation":"i","request":"r"}',
    "[]",
    `{"method":"${"x".repeat(65)}","invocation":"i","request":"r"}`,
  ]) {
    const { guest, broken } = connect(() => Promise.resolve("1"));
    guest.open(nothing).send(frameType.call, Buffer.from(payload));
    expect(await broken).toBeInstanceOf(WireError);
  }
});
