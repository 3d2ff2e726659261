import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { systemClock } from "../../base/clock.ts";
import { createDeferred } from "../../base/deferred.ts";
import type { InstanceExit } from "../../domain/instance.ts";
import type { LogLine } from "../../domain/invocation.ts";
import { FrameDecoder } from "../../wire/frame-decoder.ts";
import { frameHeaderBytes, frameType } from "../../wire/frames.ts";
import type { InvocationFailure } from "../driver.ts";
import { suiteManifest } from "../suite/suite-manifest.ts";
import { createEgressRelay, defaultEgressOptions } from "./egress-relay.ts";
import type { ProcessEnd } from "./guest-process.ts";
import { defaultLogBudget } from "./log-meter.ts";
import { createMemoryWatcher } from "./memory-watch.ts";
import { ProcessInstance } from "./process-instance.ts";

function frame(type: number, stream: number, payload: string | Buffer = "", flags = 0): Buffer {
  const bytes = Buffer.from(payload);
  const header = Buffer.alloc(frameHeaderBytes);
  header.writeUInt32LE(bytes.length, 0);
  header[4] = type;
  header[5] = flags;
  header.writeUInt32LE(stream, 6);
  return Buffer.concat([header, bytes]);
}

function head(status: string, body = ""): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(status.length, 0);
  return Buffer.concat([length, Buffer.from(status, "latin1"), Buffer.from(body)]);
}

const hello = frame(frameType.hello, 0, JSON.stringify({ version: 1, runtimeVersion: "1.0" }));
const ready = frame(frameType.ready, 0, JSON.stringify({ shape: "fetch" }));

/** A guest that says what a test makes it say, in place of a process. */
interface ToyGuest {
  readonly instance: ProcessInstance;
  readonly socket: Socket;
  readonly logs: LogLine[];
  /** Resolves with the payload of the next frame of this type from the host. */
  heard(type: number): Promise<Buffer>;
  say(...frames: Buffer[]): void;
}

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

const killed: ProcessEnd = { code: undefined, signal: "SIGKILL", error: undefined };

/** `end` is how it turns out to have ended once it was killed. */
async function toyGuest(end = killed, isClone = false): Promise<ToyGuest> {
  const folder = mkdtempSync(join(tmpdir(), "rx-"));
  const accepted = createDeferred<Socket>();
  const server = createServer((connection) => accepted.resolve(connection));
  await new Promise<void>((resolve) => server.listen(join(folder, "s"), resolve));
  const socket = connect(join(folder, "s"));
  const ended = createDeferred<ProcessEnd>();
  const kill = (): void => {
    socket.destroy();
    ended.resolve(end);
  };
  const [stdout, stderr] = [new PassThrough().end(), new PassThrough().end()];
  const instance = new ProcessInstance({
    id: "ins_toy",
    tier: 0,
    processesMax: 256,
    launch: {
      process: { stdout, stderr, ended: ended.promise, pids: () => [], kill },
      socket: accepted.promise,
      ...(isClone && { isClone }),
      release() {},
    },
    clock: systemClock,
    logBudget: defaultLogBudget,
    memoryWatcher: createMemoryWatcher(systemClock),
    egress: createEgressRelay({ ...defaultEgressOptions, clock: systemClock }),
    calls: undefined,
    dev: false,
  });
  cleanups.push(() => {
    kill();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const waiting: { type: number; resolve(payload: Buffer): void }[] = [];
  const decoder = new FrameDecoder({
    payloadBytesMax: 1e9,
    onFrame(type, _flags, _stream, payload) {
      const index = waiting.findIndex((each) => each.type === type);
      if (index !== -1) waiting.splice(index, 1)[0]?.resolve(Buffer.from(payload));
    },
  });
  socket.on("data", (chunk: Buffer) => decoder.push(chunk));
  socket.on("error", () => socket.destroy());
  return {
    instance,
    socket,
    logs: [],
    heard: (type) => new Promise((resolve) => waiting.push({ type, resolve })),
    say: (...frames) => void socket.write(Buffer.concat(frames)),
  };
}

async function servingGuest(end = killed, isClone = false): Promise<ToyGuest> {
  const guest = await toyGuest(end, isClone);
  // A copy was greeted before it was copied.
  if (!isClone) guest.say(hello);
  await guest.instance.greeted;
  const configured = guest.heard(frameType.configure);
  const code = Buffer.from("export default 1");
  const names = {
    projectId: "prj_test",
    functionId: "fn",
    functionName: "toy",
    deploymentId: "dep",
    revision: 1,
  };
  guest.instance.configure(
    { deploymentId: "dep", entrypoint: "index.js", code },
    {
      ...names,
      manifest: suiteManifest({ runtime: "bun" }),
      env: { A: "1" },
      secrets: {},
      startTimeoutMs: 1000,
      onLog: (line) => guest.logs.push(line),
    },
  );
  expect((await configured).toString("latin1")).toEndWith("export default 1");
  guest.say(ready);
  await guest.instance.ready;
  return guest;
}

interface Heard {
  readonly events: string[];
  readonly over: Promise<InvocationFailure | "end">;
}

async function request(guest: ToyGuest): Promise<Heard> {
  const events: string[] = [];
  const over = createDeferred<InvocationFailure | "end">();
  const requested = guest.heard(frameType.request);
  guest.instance.serve(
    {
      invocationId: "inv",
      requestId: "req",
      method: "GET",
      url: "http://x/",
      deadlineMs: 0,
      caller: "",
      headers: [],
    },
    undefined,
    true,
    {
      head: (status) => events.push(`head ${status}`),
      data: (chunk) => events.push(`data ${chunk.toString()}`),
      end() {
        events.push("end");
        over.resolve("end");
      },
      failed(failure) {
        events.push(`failed ${failure.kind}`);
        over.resolve(failure);
      },
      drained() {},
    },
  );
  await requested;
  return { events, over: over.promise };
}

describe("a hostile guest ends as `protocol`", () => {
  const breaches: readonly (readonly [string, Buffer])[] = [
    ["a frame larger than any", frame(frameType.response, 1, Buffer.alloc(300 * 1024))],
    ["garbage", Buffer.alloc(64, 0xff)],
    ["a frame that only hosts send", frame(frameType.configure, 0)],
    ["a second hello", hello],
    ["a second ready", ready],
    ["a failure that is no JSON", frame(frameType.failure, 0, "{")],
    ["a failure without a message", frame(frameType.failure, 0, "{}")],
    ["a log line with an unknown level", frame(frameType.log, 0, Buffer.from([9, 0]))],
    ["a response on a stream that nobody opened", frame(frameType.response, 99, head("200"))],
    ["a body before its head", frame(frameType.data, 1, "x")],
    ["an end before the head", frame(frameType.data, 1, "", 1)],
    ["a head that is no head", frame(frameType.response, 1, head("teapot"))],
    [
      "a second head",
      Buffer.concat([
        frame(frameType.response, 1, head("200")),
        frame(frameType.response, 1, head("200")),
      ]),
    ],
    ["a reply to a request", frame(frameType.reply, 1, "{}")],
    ["a stream failure that is no JSON", frame(frameType.failure, 1, "nope")],
    ["an open that is no JSON", frame(frameType.open, 2, "nope")],
    [
      "more body than its credit",
      Buffer.concat([
        frame(frameType.response, 1, head("200")),
        ...Array.from({ length: 5 }, () => frame(frameType.data, 1, Buffer.alloc(65536))),
      ]),
    ],
  ];

  test.each(breaches)("%s", async (_name, bytes) => {
    const guest = await servingGuest();
    const invocation = await request(guest);
    guest.say(bytes);
    const exit = await guest.instance.exit;
    expect(exit.reason).toBe("protocol");
    expect(await invocation.over).toMatchObject({ kind: "exited", exit: { reason: "protocol" } });
    expect(invocation.events.filter((event) => event.startsWith("failed"))).toHaveLength(1);
    expect(await guest.instance.responds(10)).toBe(false);
  });

  test("another protocol version", async () => {
    const guest = await toyGuest();
    guest.say(frame(frameType.hello, 0, JSON.stringify({ version: 2 })));
    expect(await guest.instance.exit).toMatchObject({ reason: "protocol" });
  });

  test("a connection that it closes while it lives on", async () => {
    const guest = await servingGuest();
    guest.socket.end();
    const exit: InstanceExit = { reason: "protocol", message: "it closed its connection" };
    expect(await guest.instance.exit).toEqual(exit);
  });
});

test("a blank that is a copy is told to rehearse, and one that has a function is not", async () => {
  const copy = await toyGuest(killed, true);
  const told = copy.heard(frameType.rehearse);
  await copy.instance.greeted;
  copy.instance.rehearse();
  expect(await told).toHaveLength(0);

  const serving = await servingGuest(killed, true);
  const heard: string[] = [];
  void serving.heard(frameType.rehearse).then(() => heard.push("rehearse"));
  const pinged = serving.heard(frameType.ping);
  serving.instance.rehearse();
  void serving.instance.responds(1000);
  await pinged;
  expect(heard).toEqual([]);
});

test("an exit that is heard of late is still the exit that it was", async () => {
  const guest = await servingGuest({ code: 3, signal: undefined, error: undefined });
  guest.socket.end();
  expect(await guest.instance.exit).toEqual({ reason: "exited", code: 3 });
});

describe("an honest guest", () => {
  test("answers with head, body and end", async () => {
    const guest = await servingGuest();
    const invocation = await request(guest);
    guest.say(
      frame(frameType.response, 1, head("201\0a\0b", "bo")),
      frame(frameType.data, 1, "dy", 1),
    );
    expect(await invocation.over).toBe("end");
    expect(invocation.events).toEqual(["head 201", "data bo", "data dy", "end"]);
  });

  test("an upgrade that nobody relays fails the request and not the instance", async () => {
    const guest = await servingGuest();
    const invocation = await request(guest);
    guest.say(frame(frameType.upgrade, 1, head("101")));
    expect(await invocation.over).toMatchObject({ kind: "threw" });
    const next = await request(guest);
    guest.say(frame(frameType.response, 3, head("200"), 1));
    expect(await next.over).toBe("end");
  });

  test("a platform call is answered with an error that says why", async () => {
    const guest = await servingGuest();
    const replied = guest.heard(frameType.reply);
    guest.say(
      frame(
        frameType.call,
        2,
        JSON.stringify({ method: "db.query", invocation: "inv", request: "r", params: {} }),
      ),
    );
    expect(JSON.parse((await replied).toString())).toMatchObject({
      error: { code: "runtime_error" },
    });
  });

  test("an open to loopback is answered with egress_denied and logged", async () => {
    const guest = await servingGuest();
    const opened = guest.heard(frameType.opened);
    guest.say(frame(frameType.open, 2, JSON.stringify({ host: "127.0.0.1", port: 80 })));
    expect(JSON.parse((await opened).toString())).toMatchObject({
      error: { code: "egress_denied" },
    });
    expect(guest.logs.map((line) => line.source)).toEqual(["platform"]);
  });

  test("connections beyond the limit of an instance are refused, and it serves on", async () => {
    const guest = await servingGuest();
    const opened = guest.heard(frameType.opened);
    const target = JSON.stringify({ host: "slow.invalid", port: 80 });
    guest.say(
      ...Array.from({ length: 101 }, (_, index) => frame(frameType.open, 2 + index * 2, target)),
    );
    expect(JSON.parse((await opened).toString())).toEqual({
      error: { code: "egress_limit", message: expect.stringContaining("100 connections open") },
    });
    const invocation = await request(guest);
    guest.say(frame(frameType.response, 1, head("200"), 1));
    expect(await invocation.over).toBe("end");
  });

  test("says why before it exits", async () => {
    const guest = await servingGuest();
    guest.say(frame(frameType.failure, 0, JSON.stringify({ kind: "uncaught", message: "late" })));
    expect(await guest.instance.exit).toEqual({ reason: "uncaught", message: "late" });
  });
});
