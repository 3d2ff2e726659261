import assert from "node:assert/strict";
import type { CaseContext } from "./case-context.ts";
import type { DriverCase } from "./driver-case.ts";
import type { Recording } from "./recording.ts";
import { scenario } from "./scenario.ts";

const fails = scenario(
  "fails",
  `export default { async fetch(request) {
  switch (new URL(request.url).pathname) {
    case "/throws": throw new TypeError("planned failure");
    case "/throws-text": throw "just text";
    case "/nothing": return undefined;
    case "/number": return 42;
    case "/body": {
      let sent = false;
      return new Response(new ReadableStream({
        pull(controller) {
          if (sent) return controller.error(new Error("planned body failure"));
          sent = true;
          controller.enqueue(new TextEncoder().encode("part"));
        },
      }, { highWaterMark: 0 }));
    }
  }
  return new Response("alive");
} };`,
);

async function failing(context: CaseContext, path: string): Promise<Recording> {
  const instance = await context.start(fails);
  const recording = await context.fetch(instance, { path });
  assert.equal((await context.ok(instance)).text(), "alive");
  return recording;
}

export const failureCases: readonly DriverCase[] = [
  {
    name: "a handler that throws fails as `threw` with message and stack",
    isShared: true,
    knob: "wrong_failure",
    async run(context) {
      const { failure } = await failing(context, "/throws");
      assert(failure?.kind === "threw", JSON.stringify(failure));
      assert.match(failure.message, /planned failure/);
      assert.match(failure.stack ?? "", /planned failure/);
    },
  },
  {
    name: "a handler that throws something that is no Error fails as `threw` with its text",
    isShared: true,
    knob: "wrong_failure",
    async run(context) {
      const { failure } = await failing(context, "/throws-text");
      assert(failure?.kind === "threw", JSON.stringify(failure));
      assert.match(failure.message, /just text/);
    },
  },
  {
    name: "a handler that returns nothing fails as `threw` with a message that says so",
    isShared: true,
    knob: "wrong_failure",
    async run(context) {
      const { failure } = await failing(context, "/nothing");
      assert(failure?.kind === "threw", JSON.stringify(failure));
      assert.match(failure.message, /Response|undefined/);
    },
  },
  {
    name: "a handler that returns a number fails as `threw`",
    isShared: true,
    knob: "wrong_failure",
    async run(context) {
      const { failure } = await failing(context, "/number");
      assert(failure?.kind === "threw", JSON.stringify(failure));
    },
  },
  {
    name: "a body that fails after the head ends as `body_failed`, never as a clean end",
    isShared: true,
    knob: "clean_cut",
    async run(context) {
      const recording = await failing(context, "/body");
      assert.equal(recording.status, 200);
      assert.equal(recording.text(), "part");
      assert(recording.failure?.kind === "body_failed", recording.describe());
      assert.match(recording.failure.message, /planned body failure/);
    },
  },
  {
    name: "a request that fails leaves the instance and its neighbours alone",
    isShared: true,
    knob: "crash_after",
    async run(context) {
      const instance = await context.start(fails);
      const calls = Array.from({ length: 20 }, (_, i) =>
        context.fetch(instance, { path: i % 2 === 0 ? "/throws" : "/" }),
      );
      const answers = await Promise.all(calls);
      assert.equal(answers.filter((answer) => answer.text() === "alive").length, 10);
      assert.equal(answers.filter((answer) => answer.failure?.kind === "threw").length, 10);
    },
  },
];
