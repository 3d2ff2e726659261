import assert from "node:assert/strict";
import type { Instance } from "../driver.ts";
import type { CaseContext } from "./case-context.ts";
import type { DriverCase } from "./driver-case.ts";
import type { Recording } from "./recording.ts";
import { deferred, scenario } from "./scenario.ts";

/**
 * /hang never answers; /hung answers when a /hang runs; /aborted when one heard its signal.
 * /endless streams for ever; /stopped answers when its stream was cancelled.
 */
const hang = scenario(
  "hang",
  `${deferred}
const hung = deferred();
const aborted = deferred();
const stopped = deferred();
let inside = 0;
export default { async fetch(request) {
  switch (new URL(request.url).pathname) {
    case "/hung": await hung.promise; return new Response("hung");
    case "/aborted": return new Response(await aborted.promise);
    case "/stopped": await stopped.promise; return new Response("stopped");
    case "/endless": return new Response(new ReadableStream({
      pull(controller) { controller.enqueue(new Uint8Array(1024)); },
      cancel() { stopped.resolve(); },
    }));
    case "/hang":
      request.signal.addEventListener("abort", () => aborted.resolve("aborted"));
      hung.resolve();
      return new Promise(() => {});
  }
  return new Response("alive");
} };`,
);

async function hanging(context: CaseContext, instance: Instance): Promise<Recording> {
  const recording = context.call(instance, { path: "/hang" });
  await context.ok(instance, { path: "/hung" });
  return recording;
}

async function endless(context: CaseContext, instance: Instance): Promise<Recording> {
  const recording = context.call(instance, { path: "/endless", keep: false });
  await context.within(
    recording.until(() => recording.bytes >= 4096),
    "some of the body",
  );
  return recording;
}

export const cancelCases: readonly DriverCase[] = [
  {
    name: "cancel before the head is confirmed with the failure `cancelled`",
    knob: "lost_cancel",
    async run(context) {
      const instance = await context.start(hang);
      const recording = await hanging(context, instance);
      recording.stream.cancel("client left");
      await context.done(recording);
      assert.deepEqual(recording.failure, { kind: "cancelled" });
      assert.deepEqual(recording.events, ["failed"]);
    },
  },
  {
    name: "cancels that follow their requests at once are confirmed, and leave nothing behind",
    knob: "lost_cancel",
    async run(context) {
      const instance = await context.start(hang);
      const recordings = Array.from({ length: 32 }, () =>
        context.call(instance, { path: "/hang" }),
      );
      for (const { stream } of recordings) stream.cancel("client left");
      for (const recording of recordings) {
        await context.done(recording);
        assert.deepEqual(recording.failure, { kind: "cancelled" });
        assert.deepEqual(recording.events, ["failed"]);
      }
      assert.equal((await context.ok(instance)).text(), "alive");
    },
  },
  {
    name: "cancel amid the body is confirmed and nothing follows",
    knob: "lost_cancel",
    async run(context) {
      const instance = await context.start(hang);
      const recording = await endless(context, instance);
      recording.stream.cancel("client left");
      await context.done(recording);
      assert.deepEqual(recording.failure, { kind: "cancelled" });
      const { bytes } = recording;
      await context.rounds(instance, 5);
      assert.equal(recording.bytes, bytes);
      recording.assertOrder();
    },
  },
  {
    name: "cancel twice is confirmed once",
    knob: "double_failure",
    async run(context) {
      const instance = await context.start(hang);
      const recording = await hanging(context, instance);
      recording.stream.cancel("client left");
      recording.stream.cancel("client left again");
      await context.done(recording);
      recording.stream.cancel("and again");
      await context.rounds(instance, 3);
      assert.deepEqual(recording.events, ["failed"]);
    },
  },
  {
    name: "cancel aborts request.signal inside the handler",
    knob: "silent_cancel",
    async run(context) {
      const instance = await context.start(hang);
      const recording = await hanging(context, instance);
      recording.stream.cancel("client left");
      await context.done(recording);
      assert.equal((await context.ok(instance, { path: "/aborted" })).text(), "aborted");
    },
  },
  {
    name: "cancel amid the body cancels the handler's stream",
    knob: "silent_cancel",
    async run(context) {
      const instance = await context.start(hang);
      const recording = await endless(context, instance);
      recording.stream.cancel("client left");
      await context.done(recording);
      assert.equal((await context.ok(instance, { path: "/stopped" })).text(), "stopped");
    },
  },
  {
    name: "cancel after the end changes nothing",
    knob: "data_after_end",
    async run(context) {
      const instance = await context.start(hang);
      const recording = await context.ok(instance, { path: "/" });
      recording.stream.cancel("too late");
      await context.rounds(instance, 3);
      assert.deepEqual(recording.events, ["head", "data", "end"]);
    },
  },
  {
    name: "an instance serves on after a cancel",
    knob: "crash_on_cancel",
    async run(context) {
      const instance = await context.start(hang);
      const recording = await hanging(context, instance);
      const neighbour = context.call(instance, { path: "/aborted" });
      recording.stream.cancel("client left");
      await context.done(recording);
      await context.done(neighbour);
      assert.equal(neighbour.text(), "aborted");
      assert.equal((await context.ok(instance)).text(), "alive");
    },
  },
];
