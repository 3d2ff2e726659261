import { type ChildProcess, spawn } from "node:child_process";
import type { Clock } from "../../../base/clock.ts";
import type { Controller } from "./cgroup-dialect.ts";
import type { InstanceGroup } from "./instance-group.ts";

/** Longest that a script may take. */
const timeoutMs = 10_000;
const memoryBytes = 8 * 1024 * 1024;
/** How often, and how many times, it is looked whether a busy loop has had to wait. */
const lookMs = 5;
const looksMax = 400;

/** Waits until it is in the group, as an instance does. None of them starts a process of its own, but one. */
const gate = "read -r _ || exit 9; ";
const spin = `${gate}while :; do :; done`;
const hold64Mb = `${gate}i=0; x=0123456789abcdef; while [ $i -lt 22 ]; do x=$x$x; i=$((i+1)); done; exit 0`;
const fork = `${gate}(:) 2>/dev/null || exit 1; exit 0`;

/** What a controller did when a process went over its limit; the reason when it did nothing. */
export type Proof = ReadonlyMap<Controller, string | undefined>;

/**
 * Puts processes in the group that go over each limit, and looks whether the kernel holds it. A
 * group that can be made and written to may hold nothing all the same, in a container for example.
 */
export async function proveLimits(group: InstanceGroup, clock: Clock): Promise<Proof> {
  const limits = { memoryBytes, processes: 1, vcpu: undefined };
  group.limit(limits);
  const held = await (await runIn(group, hold64Mb, clock)).ended;
  const forked = await (await runIn(group, fork, clock)).ended;
  group.limit({ ...limits, vcpu: 0.01 });
  const spinning = await runIn(group, spin, clock);
  for (let look = 0; look < looksMax && group.cpuThrottles() === 0; look++) {
    await clock.sleep(lookMs);
  }
  spinning.kill();
  await spinning.ended;
  const isMemoryHeld = held.signal === "SIGKILL" && group.memoryKills() > 0;
  const { refused } = group.processCount();
  return new Map<Controller, string | undefined>([
    ["memory", isMemoryHeld ? undefined : `64 MiB were had in 8 (${held.how})`],
    ["cpu", group.cpuThrottles() > 0 ? undefined : "a busy loop over its quota never waited"],
    ["pids", refused > 0 ? undefined : `a second process was had where one may be (${forked.how})`],
  ]);
}

interface ScriptEnd {
  readonly signal: string | null;
  readonly how: string;
}

interface Script {
  readonly ended: Promise<ScriptEnd>;
  kill(): void;
}

/** Begins a script in the group. */
async function runIn(group: InstanceGroup, script: string, clock: Clock): Promise<Script> {
  const child = spawn("/bin/sh", ["-c", script], {
    cwd: "/",
    env: {},
    stdio: ["pipe", "ignore", "ignore"],
  });
  const kill = (): void => void child.kill("SIGKILL");
  const timer = clock.after(timeoutMs, kill);
  const ended = endOf(child).finally(() => timer.cancel());
  try {
    if (child.pid !== undefined) await group.join(child.pid);
    child.stdin.end("\n");
    return { ended, kill };
  } catch (error) {
    kill();
    await ended;
    throw error;
  }
}

function endOf(child: ChildProcess): Promise<ScriptEnd> {
  return new Promise((resolve) => {
    child.stdin?.once("error", () => child.kill("SIGKILL"));
    child.once("error", (error) => resolve({ signal: null, how: error.message }));
    child.once("exit", (code, signal) =>
      resolve({ signal, how: signal ?? `exit code ${String(code)}` }),
    );
  });
}
