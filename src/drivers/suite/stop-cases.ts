import assert from "node:assert/strict";
import type { CaseContext } from "./case-context.ts";
import type { DriverCase } from "./driver-case.ts";
import { deferred, scenario } from "./scenario.ts";

/** /gated answers after /open was called; /entered when a /gated runs; /waits never answers. */
const gate = scenario(
  "gate",
  `${deferred}
const opened = deferred();
const entered = deferred();
export default { async fetch(request) {
  switch (new URL(request.url).pathname) {
    case "/gated": entered.resolve(); await opened.promise; return new Response("let through");
    case "/waits": entered.resolve(); return new Promise(() => {});
    case "/entered": await entered.promise; return new Response("entered");
    case "/open": opened.resolve(); return new Response("opened");
    case "/later": {
      entered.resolve();
      const body = new ReadableStream({ async start(controller) {
        controller.enqueue(new TextEncoder().encode("first "));
        await new Promise((resolve) => setTimeout(resolve, 150));
        controller.enqueue(new TextEncoder().encode("last"));
        controller.close();
      } });
      return new Response(body);
    }
  }
  return new Response("alive");
} };`,
);

async function stoppedIdle(context: CaseContext, graceMs: number): Promise<void> {
  const instance = await context.start(gate);
  await context.ok(instance);
  const exit = await context.within(instance.stop({ graceMs }), "stop()");
  assert.deepEqual(exit, { reason: "stopped" });
  assert.deepEqual(await context.within(instance.exit, "exit"), { reason: "stopped" });
}

/** Stops while a request waits for ever; it must fail with the exit. */
async function killedAmid(context: CaseContext, graceMs: number): Promise<void> {
  const instance = await context.start(gate);
  const recording = context.call(instance, { path: "/waits" });
  await context.ok(instance, { path: "/entered" });
  const exit = await context.within(instance.stop({ graceMs }), "stop()");
  assert.deepEqual(exit, { reason: "stopped" });
  await context.done(recording);
  assert.deepEqual(recording.failure, { kind: "exited", exit });
}

export const stopCases: readonly DriverCase[] = [
  {
    name: "stop() of an idle instance resolves with `stopped`",
    knob: "wrong_exit",
    run: (context) => stoppedIdle(context, 5000),
  },
  {
    name: "stop() without grace of an idle instance resolves with `stopped`",
    knob: "wrong_exit",
    run: (context) => stoppedIdle(context, 0),
  },
  {
    name: "stop() twice gives the same exit, at once and afterwards",
    knob: "unequal_exits",
    async run(context) {
      const instance = await context.start(gate);
      const both = Promise.all([instance.stop({ graceMs: 0 }), instance.stop({ graceMs: 1000 })]);
      const [first, second] = await context.within(both, "both stops");
      const third = await context.within(instance.stop({ graceMs: 0 }), "a third stop");
      assert.deepEqual(second, first);
      assert.deepEqual(third, first);
      assert.deepEqual(await instance.exit, first);
    },
  },
  {
    name: "stop() of an instance that exited by itself gives that exit",
    knob: "unequal_exits",
    async run(context) {
      const instance = await context.start(
        scenario(
          "exits-on-request",
          "export default { fetch() { process.exit(5); return new Response(''); } };",
        ),
      );
      context.call(instance);
      const exit = await context.within(instance.exit, "exit");
      assert.deepEqual(exit, { reason: "exited", code: 5 });
      assert.deepEqual(await context.within(instance.stop({ graceMs: 0 }), "stop()"), exit);
    },
  },
  {
    name: "stop() with grace lets a running request finish",
    knob: "impatient_stop",
    async run(context) {
      const instance = await context.start(gate);
      const recording = context.call(instance, { path: "/later" });
      await context.within(
        recording.until(() => recording.bytes > 0),
        "the first part",
      );
      const stopping = instance.stop({ graceMs: 10_000 });
      await context.done(recording);
      assert.equal(recording.text(), "first last", recording.describe());
      assert.deepEqual(await context.within(stopping, "stop()"), { reason: "stopped" });
    },
  },
  {
    name: "stop() kills what still runs when its grace is over",
    knob: "patient_stop",
    run: (context) => killedAmid(context, 100),
  },
  {
    name: "stop() without grace kills a running request, which fails with the exit",
    knob: "patient_stop",
    run: (context) => killedAmid(context, 0),
  },
  {
    name: "stop() ends with the typed exit it was told",
    knob: "stop_forgets_exit",
    async run(context) {
      const instance = await context.start(gate);
      const exit = { reason: "memory", limitMb: 64, peakMb: 70 } as const;
      assert.deepEqual(await context.within(instance.stop({ graceMs: 0, exit }), "stop()"), exit);
      assert.deepEqual(await instance.exit, exit);
    },
  },
];
