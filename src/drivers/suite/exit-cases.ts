import assert from "node:assert/strict";
import process from "node:process";
import type { InstanceExit } from "../../domain/instance.ts";
import type { Instance } from "../driver.ts";
import type { CaseContext } from "./case-context.ts";
import type { DriverCase } from "./driver-case.ts";
import { scenario } from "./scenario.ts";

/** One module that can end in every way; /waits never answers, /waiting?n= when n of them run. */
const ways = scenario(
  "ways-to-end",
  `import { readlinkSync, writeSync } from "node:fs";
let waiting = 0;
const watchers = [];
const look = () => { for (const watcher of watchers) if (waiting >= watcher.n) watcher.resolve(); };
const never = new Promise(() => {});
export default { async fetch(request) {
  const url = new URL(request.url);
  switch (url.pathname) {
    case "/waits": waiting += 1; look(); return never;
    case "/waiting":
      await new Promise((resolve) => { watchers.push({ n: Number(url.searchParams.get("n")), resolve }); look(); });
      return new Response("waiting");
    case "/exit": process.exit(Number(url.searchParams.get("code")));
    case "/abort": process.abort();
    case "/timer": setTimeout(() => { throw new Error("late failure"); }, 1); return never;
    case "/rejection": void Promise.reject(new Error("forgotten rejection")); return never;
    case "/loop": for (;;) {}
    case "/breach": {
      // A hostile function writes to every socket it finds, the platform's own among them.
      for (let fd = 3; fd < 64; fd++) {
        try {
          if (readlinkSync("/proc/self/fd/" + fd).startsWith("socket:")) writeSync(fd, new Uint8Array(64).fill(255));
        } catch { continue; }
      }
      return never;
    }
    case "/memory": {
      const kept = [];
      for (;;) {
        kept.push(new Uint8Array(4 * 1024 * 1024).fill(kept.length + 1));
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }
  }
  return new Response("alive");
} };`,
);

async function exitOf(context: CaseContext, instance: Instance): Promise<InstanceExit> {
  return context.within(instance.exit, "the instance to exit");
}

/** A request that ends the instance fails with the same typed exit as the instance itself. */
async function endsWith(
  context: CaseContext,
  path: string,
  check: (exit: InstanceExit) => void,
): Promise<void> {
  const instance = await context.start(ways, { memoryMb: 128 });
  const recording = context.call(instance, { path });
  const exit = await exitOf(context, instance);
  await context.done(recording);
  check(exit);
  assert.deepEqual(recording.failure, { kind: "exited", exit });
}

function killInstance(context: CaseContext, instance: Instance): void {
  if (context.harness.kill !== undefined) {
    context.harness.kill(instance);
    return;
  }
  const pid = instance.pids.at(-1);
  assert(pid !== undefined, "the instance names no process to kill");
  process.kill(pid, "SIGKILL");
}

export const exitCases: readonly DriverCase[] = [
  {
    name: "process.exit(0) amid a request is typed as exited with code 0",
    knob: "wrong_exit",
    run: (context) =>
      endsWith(context, "/exit?code=0", (exit) =>
        assert.deepEqual(exit, { reason: "exited", code: 0 }),
      ),
  },
  {
    name: "process.exit(3) amid a request is typed as exited with code 3",
    knob: "wrong_exit",
    run: (context) =>
      endsWith(context, "/exit?code=3", (exit) =>
        assert.deepEqual(exit, { reason: "exited", code: 3 }),
      ),
  },
  {
    name: "an abort is typed as a signal",
    knob: "wrong_exit",
    run: (context) =>
      endsWith(context, "/abort", (exit) => {
        assert.equal(exit.reason, "signal");
        assert(exit.reason === "signal");
        assert.match(exit.signal, /^SIG(?:ABRT|ILL|TRAP)$/);
      }),
  },
  {
    name: "an exception in a timer is typed as uncaught with its message",
    knob: "wrong_exit",
    run: (context) =>
      endsWith(context, "/timer", (exit) => {
        assert(exit.reason === "uncaught", JSON.stringify(exit));
        assert.match(exit.message, /late failure/);
      }),
  },
  {
    name: "a rejection that nobody handles fails the only request with its message, or ends it",
    knob: "wrong_exit",
    async run(context) {
      const instance = await context.start(ways);
      const { failure } = await context.fetch(instance, { path: "/rejection" });
      if (failure?.kind === "threw") {
        assert.match(failure.message, /forgotten rejection/);
      } else {
        assert(failure?.kind === "exited", JSON.stringify(failure));
        assert(failure.exit.reason === "uncaught", JSON.stringify(failure));
        assert.match(failure.exit.message, /forgotten rejection/);
      }
    },
  },
  {
    name: "memory over its limit is typed with the limit and the peak",
    knob: "exit_without_limit",
    run: (context) =>
      endsWith(context, "/memory", (exit) => {
        assert(exit.reason === "memory", JSON.stringify(exit));
        assert.equal(exit.limitMb, 128);
        // A kill at the limit reads as slightly under it once pages are rounded.
        assert(exit.peakMb >= 120 && exit.peakMb < 512, `peak of ${exit.peakMb} MB`);
      }),
  },
  {
    name: "a kill from outside is typed as SIGKILL",
    knob: "wrong_exit",
    async run(context) {
      const instance = await context.start(ways);
      const recording = context.call(instance, { path: "/waits" });
      await context.ok(instance, { path: "/waiting?n=1" });
      killInstance(context, instance);
      const exit = await exitOf(context, instance);
      assert.deepEqual(exit, { reason: "signal", signal: "SIGKILL" });
      await context.done(recording);
      assert.deepEqual(recording.failure, { kind: "exited", exit });
    },
  },
  {
    name: "bytes that break the protocol end the instance with the exit `protocol`",
    knob: "wrong_exit",
    async run(context) {
      const instance = await context.start(ways);
      const breach = context.harness.breach?.bind(context.harness);
      const recording = context.call(instance, { path: breach ? "/waits" : "/breach" });
      breach?.(instance);
      const exit = await exitOf(context, instance);
      await context.done(recording);
      assert(exit.reason === "protocol", JSON.stringify(exit));
      assert(exit.message.length > 0);
    },
  },
  {
    name: "every request in flight fails once when the instance dies",
    knob: "lost_failure",
    async run(context) {
      const instance = await context.start(ways);
      const waits = Array.from({ length: 8 }, () => context.call(instance, { path: "/waits" }));
      await context.ok(instance, { path: "/waiting?n=8" });
      const last = context.call(instance, { path: "/exit?code=9" });
      const exit = await exitOf(context, instance);
      for (const recording of [...waits, last]) {
        await context.done(recording);
        assert.deepEqual(recording.failure, { kind: "exited", exit });
        assert.deepEqual(recording.events, ["failed"]);
      }
    },
  },
  {
    name: "serve() on an instance that has exited fails with its exit",
    knob: "dead_silence",
    async run(context) {
      const instance = await context.start(ways);
      context.call(instance, { path: "/exit?code=4" });
      const exit = await exitOf(context, instance);
      const late = await context.fetch(instance);
      assert.deepEqual(late.failure, { kind: "exited", exit });
      // Whatever the owner still does with the dead stream must harm nobody.
      late.stream.write(Buffer.from("x"));
      late.stream.end();
      late.stream.cancel("late");
      late.stream.consumed(1);
      assert.deepEqual(late.events, ["failed"]);
    },
  },
  {
    name: "responds() is true for an idle instance and for one with a request waiting",
    knob: "never_responds",
    async run(context) {
      const instance = await context.start(ways);
      assert.equal(await context.within(instance.responds(5000), "a pong"), true);
      context.call(instance, { path: "/waits" });
      await context.ok(instance, { path: "/waiting?n=1" });
      assert.equal(await context.within(instance.responds(5000), "a pong"), true);
    },
  },
  {
    name: "an infinite loop makes responds() false, and stop() ends it as unresponsive",
    knob: "always_responds",
    async run(context) {
      const instance = await context.start(ways);
      const recording = context.call(instance, { path: "/loop" });
      assert.equal(await context.within(instance.responds(300), "responds()"), false);
      const exit: InstanceExit = { reason: "unresponsive", stuckMs: 300 };
      const stopped = instance.stop({ graceMs: 0, exit });
      assert.deepEqual(await context.within(stopped, "stop()"), exit);
      assert.deepEqual(await exitOf(context, instance), exit);
      await context.done(recording);
      assert.deepEqual(recording.failure, { kind: "exited", exit });
    },
  },
  {
    name: "responds() is false for an instance that has exited",
    knob: "always_responds",
    async run(context) {
      const instance = await context.start(ways);
      await context.within(instance.stop({ graceMs: 0 }), "stop()");
      assert.equal(await context.within(instance.responds(300), "responds()"), false);
    },
  },
];
