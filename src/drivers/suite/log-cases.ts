import assert from "node:assert/strict";
import type { LogLine } from "../../domain/invocation.ts";
import type { CaseContext } from "./case-context.ts";
import type { DriverCase } from "./driver-case.ts";
import { deferred, scenario } from "./scenario.ts";

/** Writes 5 lines by way of the path, letting the other requests run between them. */
const chatty = scenario(
  "chatty",
  `console.log("module loaded");
export default { async fetch(request, ctx) {
  const kind = new URL(request.url).pathname.slice(1);
  const say = {
    console: (text) => console.log(text),
    ctx: (text) => ctx.log(text),
    stdout: (text) => process.stdout.write(text + "\\n"),
    stderr: (text) => process.stderr.write(text + "\\n"),
  }[kind];
  for (let i = 0; i < 5; i++) {
    say("line " + i + " of " + ctx.requestId);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return new Response("said");
} };`,
);
const levels = scenario(
  "levels",
  `export default { fetch(request, ctx) {
  ctx.log.debug("d"); ctx.log.info("i"); ctx.log.warn("w"); ctx.log.error("e");
  console.warn("cw"); console.error("ce");
  return new Response("said");
} };`,
);
const rawWrite = scenario(
  "raw-write",
  `import { writeSync } from "node:fs";
export default { async fetch() {
  writeSync(1, "raw line\\n");
  writeSync(2, "raw error\\n");
  await new Promise((resolve) => setTimeout(resolve, 20));
  return new Response("written");
} };`,
);
const lastWords = scenario(
  "last-words",
  `export default { fetch() { console.log("last words"); process.exit(3); } };`,
);
/** Logs from waitUntil once /release was called, long after the answer. */
const afterthought = scenario(
  "afterthought",
  `${deferred}
const released = deferred();
export default { async fetch(request, ctx) {
  if (new URL(request.url).pathname === "/release") { released.resolve(); return new Response("ok"); }
  ctx.waitUntil(released.promise.then(() => console.log("afterthought")));
  return new Response("answered");
} };`,
);
/** Writes as many lines of 420 bytes as the query says. */
const flood = scenario(
  "flood",
  `export default { fetch(request) {
  const lines = Number(new URL(request.url).searchParams.get("lines"));
  for (let i = 0; i < lines; i++) console.log("flood line " + i + " " + "x".repeat(400));
  return new Response("flooded");
} };`,
);
const longLine = scenario(
  "long-line",
  `export default { fetch() { console.log("x".repeat(4 * 1024 * 1024)); return new Response("said"); } };`,
);
const requests = 16;
const lineBytesMax = 256 * 1024;

function linesOf(context: CaseContext, pattern: RegExp): LogLine[] {
  return context.logs.filter((line) => pattern.test(line.message));
}

/** Every line of 16 concurrent requests carries the ids of the request that wrote it. */
async function attributed(context: CaseContext, path: string, source: LogLine["source"]) {
  const instance = await context.start(chatty);
  const calls = Array.from({ length: requests }, () => context.ok(instance, { path }));
  await Promise.all(calls);
  const lines = (): LogLine[] => linesOf(context, /^line \d of /);
  await context.logged(() => lines().length >= requests * 5, `${requests * 5} lines`);
  for (const line of lines()) {
    const requestId = line.message.split(" of ")[1];
    assert.equal(line.requestId, requestId, `"${line.message}" came under ${line.requestId}`);
    assert.equal(line.invocationId, `inv_${requestId?.slice(4).padStart(6, "0")}`);
    assert.equal(line.source, source);
    assert.equal(line.functionId, "fn_suite");
    assert.equal(line.deploymentId, "dep_suite");
  }
  assert.equal(lines().length, requests * 5);
}

/** How many lines a line of the log stands for: one of the flood for itself, the platform's for dropped ones. */
function floodedBy({ source, message }: LogLine): number {
  if (message.startsWith("flood line ")) return 1;
  if (source !== "platform" || !/dropped|lost|omitted/.test(message)) return 0;
  return Number(/\d[\d,_]*/.exec(message)?.[0].replace(/\D/g, ""));
}

/** The sum of those; each line is looked at once, since there are many and it is asked after each. */
function floodCounter(context: CaseContext): () => number {
  let [looked, flooded] = [0, 0];
  return () => {
    for (const line of context.logs.slice(looked)) flooded += floodedBy(line);
    looked = context.logs.length;
    return flooded;
  };
}

export const logCases: readonly DriverCase[] = [
  {
    name: "console.log of 16 requests at once is attributed to each of them",
    knob: "mixed_logs",
    run: (context) => attributed(context, "/console", "log"),
  },
  {
    name: "ctx.log of 16 requests at once is attributed to each of them",
    knob: "mixed_logs",
    run: (context) => attributed(context, "/ctx", "log"),
  },
  {
    name: "process.stdout.write of 16 requests at once is attributed to each of them",
    knob: "mixed_logs",
    run: (context) => attributed(context, "/stdout", "stdout"),
  },
  {
    name: "process.stderr.write of 16 requests at once is attributed to each of them",
    knob: "mixed_logs",
    run: (context) => attributed(context, "/stderr", "stderr"),
  },
  {
    name: "no log line is lost, and each request's lines keep their order",
    knob: "lost_logs",
    async run(context) {
      await attributed(context, "/console", "log");
      const seen = new Map<string | undefined, string[]>();
      for (const line of linesOf(context, /^line \d of /)) {
        const before = seen.get(line.requestId) ?? [];
        seen.set(line.requestId, [...before, line.message.slice(0, 6)]);
      }
      const inOrder = ["line 0", "line 1", "line 2", "line 3", "line 4"];
      for (const order of seen.values()) assert.deepEqual(order, inOrder);
    },
  },
  {
    name: "levels of ctx.log and console pass",
    knob: "wrong_level",
    async run(context) {
      await context.ok(await context.start(levels));
      await context.logged(() => linesOf(context, /^(?:[diwe]|c[we])$/).length >= 6, "6 lines");
      const byMessage = Object.fromEntries(context.logs.map((line) => [line.message, line.level]));
      assert.equal(byMessage["d"], "debug");
      assert.equal(byMessage["i"], "info");
      assert.equal(byMessage["w"], "warn");
      assert.equal(byMessage["e"], "error");
      assert.equal(byMessage["cw"], "warn");
      assert.equal(byMessage["ce"], "error");
    },
  },
  {
    name: "a raw write to descriptors 1 and 2 is logged under the only request that runs",
    knob: "wrong_source",
    async run(context) {
      await context.ok(await context.start(rawWrite));
      await context.logged(() => linesOf(context, /^raw /).length >= 2, "the raw lines");
      for (const [message, source] of [
        ["raw line", "stdout"],
        ["raw error", "stderr"],
      ]) {
        const line = context.logs.find((line) => line.message === message);
        assert.equal(line?.source, source);
        assert.equal(line?.requestId, "req-1");
      }
    },
  },
  {
    name: "start-up output belongs to no request",
    knob: "mixed_logs",
    async run(context) {
      await context.start(chatty);
      await context.logged(() => linesOf(context, /^module loaded$/).length > 0, "the line");
      const line = linesOf(context, /^module loaded$/)[0];
      assert.equal(line?.invocationId, undefined);
      assert.equal(line?.requestId, undefined);
    },
  },
  {
    name: "a line written right before process.exit is not lost",
    knob: "lost_logs",
    async run(context) {
      // Three times, since the simulated driver's knob loses one line in three.
      for (let time = 1; time <= 3; time++) {
        const instance = await context.start(lastWords);
        context.call(instance);
        await context.within(instance.exit, "exit");
        await context.logged(() => linesOf(context, /^last words$/).length >= time, "last words");
      }
    },
  },
  {
    name: "lines from waitUntil are logged under the request that is already answered",
    knob: "mixed_logs",
    async run(context) {
      const instance = await context.start(afterthought);
      assert.equal((await context.ok(instance, { path: "/" })).text(), "answered");
      await context.ok(instance, { path: "/release" });
      await context.logged(() => linesOf(context, /^afterthought$/).length > 0, "the line");
      assert.equal(linesOf(context, /^afterthought$/)[0]?.requestId, "req-1");
    },
  },
  {
    name: "a log flood is bounded, and what is dropped is counted",
    knob: "uncounted_drops",
    async run(context) {
      const { floodLines } = context;
      const path = `/?lines=${floodLines}`;
      const instance = await context.start(flood);
      await context.ok(instance, { path });
      const flooded = floodCounter(context);
      await context.logged(() => flooded() >= floodLines, `${floodLines} lines, kept or counted`);
      assert.equal(flooded(), floodLines);
      assert((await context.ok(instance, { path: "/?lines=1" })).text() === "flooded");
    },
  },
  {
    name: "a log flood is not kept whole",
    knob: "unbounded_logs",
    async run(context) {
      const { floodLines, floodLinesPerSec, clock } = context;
      const instance = await context.start(flood);
      const startedMs = clock.monotonicMs();
      await context.ok(instance, { path: `/?lines=${floodLines}` });
      await context.rounds(instance, 3);
      const tookSecs = (clock.monotonicMs() - startedMs) / 1000;
      const kept = linesOf(context, /^flood line /).length;
      // The budget's burst is less than half of it, and a slow machine has it refilled meanwhile.
      const keptMax = Math.min(floodLines / 2 + floodLinesPerSec * tookSecs, floodLines);
      assert(
        kept > 0 && kept < keptMax,
        `${kept} of ${floodLines} lines in ${tookSecs} s were kept`,
      );
    },
  },
  {
    name: "a line of 4 MiB is cut",
    knob: "unbounded_logs",
    async run(context) {
      const instance = await context.start(longLine);
      await context.ok(instance);
      await context.logged(() => linesOf(context, /^x+/).length > 0, "the line");
      for (const line of context.logs) {
        assert(line.message.length <= lineBytesMax, `a line of ${line.message.length} characters`);
      }
    },
  },
];
