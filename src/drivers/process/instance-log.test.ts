import { describe, expect, test } from "bun:test";
import { PassThrough } from "node:stream";
import { createVirtualClock } from "../../base/clock.ts";
import type { LogLine } from "../../domain/invocation.ts";
import { WireError } from "../../wire/wire-error.ts";
import { suiteManifest } from "../suite/suite-manifest.ts";
import { InstanceLog, type LogOwner } from "./instance-log.ts";
import { defaultLogBudget, type LogBudget } from "./log-meter.ts";

const owner: LogOwner = { invocationId: "inv_1", requestId: "req-1" };

function instanceLog(options: { budget?: LogBudget; single?: LogOwner; unbound?: boolean } = {}) {
  const clock = createVirtualClock();
  const lines: LogLine[] = [];
  const log = new InstanceLog({
    clock,
    budget: options.budget ?? defaultLogBudget,
    single: () => options.single,
  });
  if (options.unbound !== true) {
    log.bind({
      projectId: "prj_test",
      functionId: "fn_1",
      functionName: "hello",
      deploymentId: "dep_1",
      revision: 1,
      manifest: suiteManifest({ runtime: "bun" }),
      env: {},
      secrets: {},
      startTimeoutMs: 1000,
      onLog: (line) => lines.push(line),
    });
  }
  return { log, clock, lines, messages: () => lines.map((line) => line.message) };
}

function frame(level: number, source: number, text: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from([level, source]), Buffer.from(text)]);
}

async function written(log: InstanceLog, ...chunks: (string | Buffer)[]): Promise<void> {
  const stream = new PassThrough();
  log.read(stream, "stdout");
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await new Promise((resolve) => stream.once("close", resolve));
}

describe("raw output", () => {
  test("any split of the bytes gives the same lines", async () => {
    const { log, messages } = instanceLog();
    await written(log, "one\ntw", "o\r", "\n", "\n", "th", "ree");
    expect(messages()).toEqual(["one", "two", "", "three"]);
  });

  test("belongs to the one invocation that runs, else to none", async () => {
    const alone = instanceLog({ single: owner });
    await written(alone.log, "mine\n");
    expect(alone.lines[0]).toMatchObject({ ...owner, source: "stdout", level: "info" });
    const among = instanceLog();
    await written(among.log, "whose\n");
    expect(among.lines[0]).toMatchObject({ invocationId: undefined, requestId: undefined });
  });

  test("a line is cut at 16 KiB and says how much is missing", async () => {
    const { log, messages } = instanceLog();
    await written(log, `${"x".repeat(100_000)}\nnext\n`);
    expect(messages()[0]).toBe(`${"x".repeat(16384)}… [83616 bytes over the line limit of 16384]`);
    expect(messages()[1]).toBe("next");
  });
});

describe("log frames", () => {
  test("carry level, source and the request of their stream", () => {
    const { log, lines } = instanceLog();
    log.frame(frame(2, 0, "careful"), owner);
    log.frame(frame(3, 2, "raw"), undefined);
    expect(lines[0]).toMatchObject({ level: "warn", source: "log", message: "careful", ...owner });
    expect(lines[1]).toMatchObject({ level: "error", source: "stderr", requestId: undefined });
  });

  test("with a line beyond 16 KiB are cut and say how much is missing", () => {
    const { log, messages } = instanceLog();
    log.frame(frame(1, 0, "x".repeat(20_000)), owner);
    expect(messages()).toEqual([`${"x".repeat(16384)}… [3616 bytes over the line limit of 16384]`]);
  });

  test("may name an answered request themselves", () => {
    const { log, lines } = instanceLog();
    log.frame(frame(1, 0x80, "inv_9\0req-9\0afterthought"), undefined);
    expect(lines[0]).toMatchObject({
      invocationId: "inv_9",
      requestId: "req-9",
      source: "log",
      message: "afterthought",
    });
  });

  test.each([
    ["empty", Buffer.alloc(0)],
    ["unknown level", frame(9, 0, "x")],
    ["unknown source", frame(1, 3, "x")],
    ["owned without ids", frame(1, 0x80, "no ids")],
    ["owned with endless ids", frame(1, 0x80, `${"x".repeat(5000)}\0\0x`)],
  ])("a malformed one (%s) breaks the protocol", (_name, payload) => {
    expect(() => instanceLog().log.frame(payload, owner)).toThrow(WireError);
  });
});

describe("the log budget", () => {
  const budget: LogBudget = { linesPerSecMax: 10, bytesPerSecMax: 1_000_000, burstSecs: 1 };

  test("drops lines beyond it and counts them in one platform line", async () => {
    const { log, clock, lines, messages } = instanceLog({ budget });
    for (let i = 0; i < 35; i++) log.frame(frame(1, 0, `line ${i}`), owner);
    expect(messages()).toHaveLength(10);
    await clock.advance(1000);
    expect(lines.at(-1)).toMatchObject({ source: "platform", level: "warn" });
    expect(messages().at(-1)).toStartWith("dropped 25 log lines");
    log.frame(frame(1, 0, "again"), owner);
    expect(messages().at(-1)).toBe("again");
  });

  test("adds the lines that the guest says it dropped", async () => {
    const { log, clock, messages } = instanceLog({ budget });
    log.frame(frame(2, 0x7f, Buffer.from([7, 0, 0, 0])), undefined);
    await clock.advance(1000);
    expect(messages()).toEqual([
      "dropped 7 log lines: the instance wrote more than its log budget",
    ]);
  });

  test("what was dropped last is counted at the end", () => {
    const { log, messages } = instanceLog({ budget });
    for (let i = 0; i < 11; i++) log.frame(frame(1, 0, "x"), owner);
    log.end();
    expect(messages().at(-1)).toStartWith("dropped 1 log lines");
  });

  test("a flood of raw output costs its author time", async () => {
    const { log, clock } = instanceLog({ budget });
    const stream = new PassThrough({ highWaterMark: 64 * 1024 * 1024 });
    log.read(stream, "stdout");
    stream.write(`${"y".repeat(99)}\n`.repeat(30_000));
    await Bun.sleep(0);
    expect(stream.isPaused()).toBe(true);
    await clock.advance(20);
    expect(stream.isPaused()).toBe(false);
    stream.destroy();
  });
});

describe("the start-up tail", () => {
  test("keeps the last 16 KiB, also before there is a function", () => {
    const { log, lines } = instanceLog({ unbound: true });
    for (let i = 0; i < 1000; i++) log.frame(frame(1, 0, `line ${i} ${"x".repeat(90)}`), undefined);
    expect(lines).toEqual([]);
    expect(log.tail().length).toBeLessThanOrEqual(16 * 1024);
    expect(log.tail()).toContain("line 999 ");
    log.closeTail();
    expect(log.tail()).toBe("");
  });
});
