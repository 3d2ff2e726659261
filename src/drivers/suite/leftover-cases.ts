import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import process from "node:process";
import type { CaseContext } from "./case-context.ts";
import type { DriverCase } from "./driver-case.ts";
import { scenario } from "./scenario.ts";

const stays = scenario(
  "stays",
  `export default { fetch: (request) =>
  new URL(request.url).pathname === "/waits" ? new Promise(() => {}) : new Response("alive") };`,
);
const dies = scenario("dies-at-import", `throw new Error("planned import failure");`);

/** Looks a millisecond apart before a descriptor counts as left. */
const looksMax = 1000;

interface Belongings {
  readonly children: readonly string[];
  readonly descriptors: number;
  readonly files: readonly string[];
}

/** Names of the living and dead children of this process. */
function children(): string[] {
  const found: string[] = [];
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = readStat(entry);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[1] === String(process.pid)) found.push(`${entry} ${stat.split(" ")[1]}`);
  }
  return found;
}

/** A process may be gone between the listing and the look at it. */
function readStat(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error) return "";
    throw error;
  }
}

/** A folder that does not exist holds nothing. */
function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((name) => `${folder}/${name}`);
}

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

function belongings(context: CaseContext): Belongings {
  const folders = context.harness.folders ?? [];
  return {
    children: children(),
    descriptors: descriptors(),
    files: folders.flatMap(filesIn),
  };
}

/**
 * What is there once it is no more than before, or after a second. Engines close a socket some
 * turns after it was destroyed and tell nobody, so this is the one thing that must be looked at again.
 */
async function settled(context: CaseContext, before: Belongings): Promise<Belongings> {
  await context.settle(20);
  for (let look = 0; look < looksMax && descriptors() > before.descriptors; look++) {
    await context.clock.sleep(1);
  }
  return belongings(context);
}

/** Runs the work twice, so that what a process opens once and keeps (pools, polls) is not blamed. */
async function leavesNothing(context: CaseContext, work: () => Promise<void>): Promise<void> {
  await work();
  await context.settle(20);
  const before = belongings(context);
  await work();
  const after = await settled(context, before);
  assert.deepEqual(after.children, before.children, "child processes are left");
  assert.deepEqual(after.files, before.files, "files are left in the run folders");
  assert(
    after.descriptors <= before.descriptors,
    `${after.descriptors} descriptors are open, ${before.descriptors} before`,
  );
}

export const leftoverCases: readonly DriverCase[] = [
  {
    name: "nothing is left of an instance that was stopped: no process, descriptor or file",
    knob: "leak",
    run: (context) =>
      leavesNothing(context, async () => {
        const instance = await context.start(stays);
        await context.ok(instance);
        await context.within(instance.stop({ graceMs: 1000 }), "stop()");
        for (const pid of instance.pids) {
          assert.throws(() => process.kill(pid, 0), /ESRCH/, `process ${pid} still runs`);
        }
      }),
  },
  {
    name: "nothing is left of an instance that was killed amid a request",
    knob: "leak",
    run: (context) =>
      leavesNothing(context, async () => {
        const instance = await context.start(stays);
        const recording = context.call(instance, { path: "/waits", complete: false });
        recording.stream.write(Buffer.alloc(100_000));
        await context.within(instance.stop({ graceMs: 0 }), "stop()");
        await context.done(recording);
      }),
  },
  {
    name: "nothing is left of a start that failed",
    knob: "leak",
    run: (context) =>
      leavesNothing(context, async () => {
        await context.failedStart(await context.artifact(dies));
      }),
  },
  {
    name: "nothing is left of a start that was aborted",
    knob: "leak",
    run: (context) =>
      leavesNothing(context, async () => {
        const abort = new AbortController();
        const artifact = await context.artifact(stays);
        const outcome = context.driver
          .start(artifact, context.spec(), abort.signal)
          .then((instance) => instance.stop({ graceMs: 0 }))
          .catch((error: unknown) => error);
        abort.abort(new Error("changed its mind"));
        await context.within(outcome, "the aborted start");
      }),
  },
  {
    name: "close() stops every instance, and requests in flight fail with the exit",
    knob: "close_forgets",
    async run(context) {
      const instances = await Promise.all([context.start(stays), context.start(stays)]);
      const recordings = instances.map((each) => context.call(each, { path: "/waits" }));
      await context.within(context.driver.close(), "close()");
      for (const [i, instance] of instances.entries()) {
        const exit = await context.within(instance.exit, "exit");
        assert.deepEqual(exit, { reason: "stopped" });
        const recording = recordings[i];
        assert(recording !== undefined);
        await context.done(recording);
        assert.deepEqual(recording.failure, { kind: "exited", exit });
      }
    },
  },
  {
    name: "close() leaves no process, descriptor or file of instances and blanks",
    knob: "leak",
    async run(context) {
      const before = belongings(context);
      context.driver.warm();
      const instance = await context.start(stays);
      await context.ok(instance);
      await context.within(context.driver.close(), "close()");
      await context.settle(20);
      const after = belongings(context);
      assert.deepEqual(after.children, before.children, "child processes are left");
      assert.deepEqual(after.files, before.files, "files are left in the run folders");
    },
  },
  {
    name: "close() twice is harmless, and start() on a closed driver rejects",
    knob: "start_after_close",
    async run(context) {
      const artifact = await context.artifact(stays);
      await context.within(context.driver.close(), "close()");
      await context.within(context.driver.close(), "close() again");
      const outcome = await context
        .startArtifact(artifact)
        .then(() => "resolved")
        .catch(() => "rejected");
      assert.equal(outcome, "rejected");
    },
  },
];
