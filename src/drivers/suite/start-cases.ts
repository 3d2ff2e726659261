import assert from "node:assert/strict";
import { ReactorError } from "../../domain/errors.ts";
import type { CaseContext } from "./case-context.ts";
import type { DriverCase } from "./driver-case.ts";
import { scenario } from "./scenario.ts";
import { suiteManifest } from "./suite-manifest.ts";

const hello = scenario("hello", `export default { fetch: () => new Response("hello") };`);
const plainFunction = scenario(
  "plain-function",
  `export default function (request) { return new Response("plain " + request.method); }`,
);
const syntaxError = scenario("syntax-error", "export default { fetch( { return 1 } };");
const noExport = scenario("no-export", "export const answer = 42;");
const throwsAtImport = scenario(
  "throws-at-import",
  `console.log("about to fail");
throw new Error("planned import failure");
export default { fetch: () => new Response("never") };`,
);
const neverLoads = scenario(
  "never-loads",
  `await new Promise(() => setInterval(() => {}, 1000));
export default { fetch: () => new Response("never") };`,
);
const loopsAtImport = scenario(
  "loops-at-import",
  "for (;;) {}\nexport default { fetch: () => new Response('never') };",
);
const exitsAtImport = scenario(
  "exits-at-import",
  `console.log("leaving");
process.exit(7);
export default { fetch: () => new Response("never") };`,
);

/** How many starts may be cold before one must come from a blank. */
const warmAttemptsMax = 100;
/**
 * Blanks boot while nothing more urgent does, and nobody is told when one is there. Each pause is
 * longer than the one before, since a start that comes too early takes the blank that boots.
 */
const warmPauseStepMs = 20;

async function abortedStart(context: CaseContext, before: boolean): Promise<void> {
  const artifact = await context.artifact(neverLoads);
  const abort = new AbortController();
  const reason = new Error("no longer wanted");
  if (before) abort.abort(reason);
  const outcome = context.driver
    .start(artifact, context.spec(), abort.signal)
    .then(() => assert.fail("start() resolved"))
    .catch((error: unknown) => error);
  await context.settle();
  abort.abort(reason);
  assert.equal(await context.within(outcome, "start() to reject"), reason);
}

async function loadFailure(context: CaseContext, run: "checked" | "unchecked"): Promise<void> {
  const module = run === "checked" ? noExport : syntaxError;
  const artifact = run === "checked" ? await context.artifact(module) : context.unchecked(module);
  const error = await context.failedStart(artifact);
  assert.equal(error.exit.reason, "load_failed", JSON.stringify(error.exit));
  assert(error.exit.reason === "load_failed" && error.exit.message.length > 0);
}

export const startCases: readonly DriverCase[] = [
  {
    name: "probe() says that it works here, with version, tier and enforcement, or what to do",
    knob: "probe_lies",
    async run(context) {
      const probe = await context.driver.probe(new AbortController().signal);
      assert(probe.available || probe.remedies.length > 0, "unavailable without a remedy");
      assert(probe.available, probe.remedies.join("; "));
      assert.match(probe.version ?? "", /^\d+\.\d+/);
      assert([0, 1, 2, 3].includes(probe.tier));
      for (const level of Object.values(probe.enforces)) {
        assert(["hard", "watchdog", "none"].includes(level), `enforcement ${level}`);
      }
    },
  },
  {
    name: "prepare() gives the same bytes for the same files",
    knob: "prepare_unstable",
    async run(context) {
      const [first, second] = [await context.artifact(hello), await context.artifact(hello)];
      assert(Buffer.from(first.code).equals(second.code), "the bytes differ");
      assert.equal(first.deploymentId, "dep_suite");
    },
  },
  {
    name: "prepare() refuses a bundle without its entry point as bundle_invalid",
    knob: "prepare_anything",
    async run(context) {
      const runtime = context.spec().manifest.runtime;
      const request = {
        deploymentId: "dep_suite",
        manifest: suiteManifest({ runtime }),
        files: new Map([["other.txt", new TextEncoder().encode("no module")]]),
      };
      const outcome = await context.driver
        .prepare(request, new AbortController().signal)
        .catch((error: unknown) => error);
      assert(outcome instanceof ReactorError, `prepare() gave ${JSON.stringify(outcome)}`);
      assert.equal(outcome.code, "bundle_invalid");
    },
  },
  {
    name: "prepare() rejects with the signal's reason when it is aborted",
    knob: "prepare_deaf",
    async run(context) {
      const reason = new Error("not needed");
      const request = {
        deploymentId: "dep_suite",
        manifest: context.spec().manifest,
        files: new Map([["index.js", new TextEncoder().encode(hello.source)]]),
      };
      const outcome = await context.driver
        .prepare(request, AbortSignal.abort(reason))
        .catch((error: unknown) => error);
      assert.equal(outcome, reason);
    },
  },
  {
    name: "start() resolves with an instance that serves, its tier and its shape",
    knob: "start_error",
    async run(context) {
      const instance = await context.start(hello);
      assert.equal((await context.ok(instance)).text(), "hello");
      assert([0, 1, 2, 3].includes(instance.tier));
      assert(instance.id.length > 0);
      assert.equal(instance.shape, context.shape);
    },
  },
  {
    name: "an instance says what memory and processors it was given: no less than its manifest's",
    knob: "wrong_allotment",
    async run(context) {
      const { memoryMb, vcpu = 1 } = context.spec().manifest.limits;
      const { allotment } = await context.start(hello);
      assert.equal(allotment.vcpu, vcpu);
      // The sizes of microVMs are at most twice as far apart.
      assert(allotment.memoryMb >= memoryMb.value, `${allotment.memoryMb} MB`);
      assert(allotment.memoryMb < 2 * memoryMb.value, `${allotment.memoryMb} MB`);
    },
  },
  {
    name: "start() reports the shape `function` for a default export that is a function",
    knob: "wrong_shape",
    async run(context) {
      const instance = await context.start(plainFunction);
      assert.equal(instance.shape, "function");
      assert.equal((await context.ok(instance)).text(), "plain POST");
    },
  },
  {
    name: "start() rejects a syntax error as load_failed with the message",
    knob: "start_anyway",
    run: (context) => loadFailure(context, "unchecked"),
  },
  {
    name: "start() rejects a module without a handler as load_failed",
    knob: "start_anyway",
    run: (context) => loadFailure(context, "checked"),
  },
  {
    name: "start() rejects a module that throws at import and passes its message on",
    knob: "start_anyway",
    async run(context) {
      const error = await context.failedStart(await context.artifact(throwsAtImport));
      assert.equal(error.exit.reason, "load_failed");
      assert(error.exit.reason === "load_failed");
      assert.match(error.exit.message, /planned import failure/);
    },
  },
  {
    name: "start() rejects with what the module wrote before it failed",
    knob: "start_log_lost",
    async run(context) {
      const error = await context.failedStart(await context.artifact(throwsAtImport));
      assert.match(error.log, /about to fail/);
      assert(error.log.length <= 16 * 1024);
    },
  },
  {
    name: "start() gives up on a top-level await that never ends, with start_timeout",
    knob: "start_block",
    async run(context) {
      const artifact = await context.artifact(neverLoads);
      const error = await context.failedStart(artifact, { startTimeoutMs: 300 });
      assert.deepEqual(error.exit, { reason: "start_timeout", limitMs: 300 });
    },
  },
  {
    name: "start() gives up on a module that loops while it loads, with start_timeout",
    knob: "start_block",
    async run(context) {
      const artifact = await context.artifact(loopsAtImport);
      const error = await context.failedStart(artifact, { startTimeoutMs: 300 });
      assert.deepEqual(error.exit, { reason: "start_timeout", limitMs: 300 });
    },
  },
  {
    name: "start() rejects a module that exits the process at import, with its code",
    knob: "start_anyway",
    async run(context) {
      const error = await context.failedStart(await context.artifact(exitsAtImport));
      assert.deepEqual(error.exit, { reason: "exited", code: 7 });
    },
  },
  {
    name: "start() rejects with the reason of a signal that was aborted before",
    knob: "start_deaf",
    run: (context) => abortedStart(context, true),
  },
  {
    name: "start() rejects with the reason of a signal that is aborted while it starts",
    knob: "start_deaf",
    run: (context) => abortedStart(context, false),
  },
  {
    name: "start() without warm() boots a fresh instance and says so",
    knob: "false_blank",
    async run(context) {
      const instance = await context.start(hello);
      assert.equal(instance.fromBlank, false);
    },
  },
  {
    name: "start() after warm() takes a blank, and no two starts take the same one",
    knob: "no_blanks",
    async run(context) {
      context.driver.warm();
      const ids = new Set<string>();
      for (let attempt = 0; attempt < warmAttemptsMax; attempt++) {
        await context.clock.sleep(warmPauseStepMs * (attempt + 1));
        const instance = await context.start(hello);
        assert(!ids.has(instance.id), "a blank was handed out twice");
        ids.add(instance.id);
        assert.equal((await context.ok(instance)).text(), "hello");
        await instance.stop({ graceMs: 0 });
        if (instance.fromBlank) return;
      }
      assert.fail(`none of ${warmAttemptsMax} starts after warm() came from a blank`);
    },
  },
  {
    name: "many starts at once give as many instances with their own ids that all serve",
    knob: "start_limit",
    async run(context) {
      const artifact = await context.artifact(hello);
      const starts = Array.from({ length: context.manyStarts }, () =>
        context.startArtifact(artifact),
      );
      const instances = await Promise.all(starts);
      const answers = await Promise.all(instances.map((instance) => context.ok(instance)));
      assert.deepEqual(new Set(answers.map((answer) => answer.text())), new Set(["hello"]));
    },
  },
  {
    name: "instances started at once have different ids",
    knob: "same_id",
    async run(context) {
      const artifact = await context.artifact(hello);
      const starts = Array.from({ length: 4 }, () => context.startArtifact(artifact));
      assert.equal(new Set((await Promise.all(starts)).map(({ id }) => id)).size, 4);
    },
  },
];
