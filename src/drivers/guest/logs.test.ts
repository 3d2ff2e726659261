import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Exchange, GuestHarness, type HarnessRequest } from "./guest.harness.ts";

const code = `
import fs from "node:fs";
import { Console } from "node:console";
import { log as namedLog } from "node:console";
process.stdout.write("at import\\n");
const rest = (name) => new Response(name);
const cases = {
  mixed: async (request, ctx) => {
    const id = request.headers.get("x-id");
    for (let i = 0; i < 20; i++) {
      console.log(id + " console " + i);
      await Bun.sleep(Math.random() * 3);
      ctx.log(id + " ctx " + i);
      await new Promise((resolve) => setTimeout(() => { process.stdout.write(id + " timer " + i + "\\n"); resolve(); }, 1));
      queueMicrotask(() => console.warn(id + " microtask " + i));
      await new Promise((resolve) => setImmediate(resolve));
    }
    return new Response(new ReadableStream({ pull(c) { console.log(id + " pull"); c.enqueue(id); c.close(); } }));
  },
  methods: () => {
    console.debug("debug"); console.info("info"); console.warn("warn"); console.error("error"); console.log("%s is %d", "x", 1);
    console.log("100%"); console.log({ a: [1, { b: 2 }] }, "text"); console.log(undefined, null, 1n); console.log();
    console.dir({ deep: { deeper: { deepest: { bottom: 1 } } } }, { depth: 0 });
    console.table([{ id: 1 }]); console.assert(true, "no"); console.assert(false, "failed", 1); console.assert(0);
    console.count(); console.count(); console.countReset(); console.count(); console.count("l");
    console.group("outer"); console.log("in"); console.group(); console.log("deep\\ndown"); console.groupEnd(); console.groupEnd(); console.log("out");
    console.time("t"); console.timeLog("t", "now"); console.timeEnd("t"); console.timeEnd("t");
    console.trace("here");
    return rest("ok");
  },
  raw: async () => {
    process.stdout.write("one "); process.stdout.write("line\\nnext\\nunfinished");
    process.stderr.write(Buffer.from("err\\n")); process.stdout.write("6869", "hex");
    await new Promise((resolve) => process.stderr.write("called back\\n", resolve));
    await Bun.write(Bun.stdout, "bun write\\n"); await Bun.write(Bun.stderr, new Blob(["bun blob\\n"]));
    const writer = Bun.stdout.writer(); writer.write("bun writer\\n"); writer.flush();
    fs.writeSync(1, "fs sync\\n"); fs.writeSync(2, Buffer.from("xxfs bytes\\n"), 2);
    await new Promise((resolve) => fs.write(1, "fs async\\n", resolve));
    new Console({ stdout: process.stdout, stderr: process.stderr }).log("own console");
    namedLog("named");
    const split = Buffer.from("grüße\\n"); process.stderr.write(split.subarray(0, 3)); process.stderr.write(split.subarray(3));
    return rest("ok");
  },
  long: () => { console.log("x".repeat(100_000)); console.log("ü".repeat(8192)); console.log("ü".repeat(8193)); return rest("ok"); },
  multi: () => { console.log("a\\nb\\r\\nc"); return rest("ok"); },
  stream: () => { let i = 0; return new Response(new ReadableStream({ async pull(c) { await 1; console.log("chunk " + i); c.enqueue("x"); if (++i === 3) c.close(); } })); },
  throws: () => { console.log("before"); process.stdout.write("partial"); throw new Error("after"); },
  flood: async () => { for (let i = 0; i < 3000; i++) console.log("y".repeat(16_000)); return rest("ok"); },
  counted: () => { console.count("shared"); console.group(); return rest("ok"); },
  after: (request, ctx) => { ctx.waitUntil(Bun.sleep(1).then(() => console.log("after the answer"))); return rest("ok"); },
};
export default (request, ctx) => cases[request.headers.get("x-case")](request, ctx);
`;

let guest: GuestHarness;
beforeAll(async () => {
  guest = await GuestHarness.start(code);
});
afterAll(() => guest.stop());

function send(name: string, request: HarnessRequest = {}): Exchange {
  return guest.request({ ...request, headers: ["x-case", name, ...(request.headers ?? [])] });
}

async function linesOf(name: string): Promise<string[]> {
  const exchange = send(name);
  await exchange.outcome;
  return exchange.lines.map(({ level, source, text }) => `${level} ${source} ${text}`);
}

test("16 requests at once keep their lines apart, whatever wrote them", async () => {
  const ids = Array.from({ length: 16 }, (_, i) => `id${i}`);
  const exchanges = ids.map((id) => send("mixed", { headers: ["x-id", id] }));
  await Promise.all(exchanges.map((exchange) => exchange.text()));
  for (const [i, exchange] of exchanges.entries()) {
    expect(exchange.lines.length).toBe(81);
    expect(exchange.lines.every(({ text }) => text.startsWith(`id${i} `))).toBe(true);
  }
});

test("every console method is logged with its level", async () => {
  const lines = await linesOf("methods");
  const timed = lines.map((line) => line.replace(/\d+\.\d+ms/, "0ms"));
  const trace = timed.findIndex((line) => line.includes("Trace"));
  expect(timed.slice(0, trace)).toEqual([
    "debug log debug",
    "info log info",
    "warn log warn",
    "error log error",
    "info log x is 1",
    "info log 100%",
    "info log { a: [ 1, { b: 2 } ] } text",
    "info log undefined null 1n",
    "info log ",
    "info log { deep: [Object] }",
    "info log ┌───┬────┐",
    "info log │   │ id │",
    "info log ├───┼────┤",
    "info log │ 0 │ 1  │",
    "info log └───┴────┘",
    "error log Assertion failed: failed 1",
    "error log Assertion failed",
    "info log default: 1",
    "info log default: 2",
    "info log default: 1",
    "info log l: 1",
    "info log outer",
    "info log   in",
    "info log     deep",
    "info log     down",
    "info log out",
    "info log t: 0ms now",
    "info log t: 0ms",
    "warn log No such label 't' for console.time",
  ]);
  expect(timed[trace]).toBe("debug log Trace: here");
  expect(timed[trace + 1]).toContain("    at methods");
});

test("raw output of every kind is cut into lines under its request", async () => {
  expect((await linesOf("raw")).toSorted()).toEqual(
    [
      "info stdout one line",
      "info stdout next",
      "info stdout unfinishedhibun write",
      "info stdout bun writer",
      "info stdout fs sync",
      "info stdout fs async",
      "info stdout own console",
      "info log named",
      "error stderr err",
      "error stderr called back",
      "error stderr bun blob",
      "error stderr fs bytes",
      "error stderr grüße",
    ].toSorted(),
  );
});

test("a line over 16 KiB is cut at a character and marked", async () => {
  const exchange = send("long");
  await exchange.outcome;
  const [cut, whole, split] = exchange.lines.map(({ text }) => text);
  expect(Buffer.byteLength(cut ?? "")).toBe(16 * 1024);
  expect(cut).toEndWith("xx… [cut: the line has 100000 bytes, the limit is 16384]");
  expect(whole).toBe("ü".repeat(8192));
  expect(split).toMatch(/^ü+… \[cut: the line has 16386 bytes/);
});

test("text of several lines is several entries", async () => {
  expect(await linesOf("multi")).toEqual(["info log a", "info log b", "info log c"]);
});

test("a line written before the response is on the wire before it", async () => {
  const exchange = send("multi");
  await exchange.outcome;
  expect(exchange.events).toEqual(["log a", "log b", "log c", "head", "end"]);
});

test("lines of a streaming body come before its end", async () => {
  const exchange = send("stream");
  await exchange.outcome;
  expect(exchange.events).toEqual(["head", "log chunk 0", "log chunk 1", "log chunk 2", "end"]);
});

test("lines written before a throw are kept, the unfinished one too", async () => {
  const exchange = send("throws");
  expect(await exchange.outcome).toMatchObject({ kind: "threw", message: "after" });
  expect(exchange.events).toEqual(["log before", "log partial", "failure"]);
});

test("output at import belongs to no request", () => {
  expect(guest.lines[0]).toEqual({ level: "info", source: "stdout", text: "at import" });
});

test("counters and groups do not leak into other requests", async () => {
  expect(await linesOf("counted")).toEqual(["info log shared: 1"]);
  expect(await linesOf("counted")).toEqual(["info log shared: 1"]);
});

test("a line written after the answer names its request", async () => {
  expect(await send("after", { requestId: "req_after" }).text()).toBe("ok");
  const line = (): unknown => guest.lines.find(({ text }) => text === "after the answer");
  while (line() === undefined) await guest.ping();
  expect(line()).toMatchObject({ level: "info", source: "log", requestId: "req_after" });
});

test("a flood of lines is bounded, and what was dropped is counted without a further line", async () => {
  const exchange = send("flood");
  expect(await exchange.text()).toBe("ok");
  const counted = (): number =>
    guest.lines
      .filter(({ source }) => source === "dropped")
      .reduce((sum, { text }) => sum + Number(text), 0);
  while (exchange.lines.length + counted() < 3000) await guest.ping();
  expect(exchange.lines.length + counted()).toBe(3000);
  expect(counted()).toBeGreaterThan(0);
});
