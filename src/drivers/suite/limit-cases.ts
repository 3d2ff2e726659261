import assert from "node:assert/strict";
import type { DriverEnforcement } from "../driver.ts";
import type { CaseContext } from "./case-context.ts";
import type { DriverCase } from "./driver-case.ts";
import { scenario } from "./scenario.ts";

/** How many processes it is tried to have at once, and which count means that nothing holds them. */
const forksTried = 400;
const forksMax = 300;

/**
 * /forks has a shell start processes until it is refused one, and answers how many there were.
 * /overrun does the same and exits with code 3. /files fills /tmp and /dev/shm. /spin computes for a
 * second and answers its processor time per time.
 */
const limits = scenario(
  "limits",
  `import { spawn } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
const script = "i=0; while [ $i -lt ${forksTried} ]; do sleep 60 >/dev/null 2>&1 & i=$((i+1)); echo $i; done";
const forks = () => new Promise((resolve) => {
  const shell = spawn("/bin/sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore"] });
  let text = "0";
  shell.stdout.on("data", (chunk) => { text += chunk; });
  shell.on("error", () => resolve(0));
  shell.on("close", () => resolve(Number(text.trimEnd().split("\\n").at(-1))));
});
const fill = (path) => {
  const file = openSync(path, "w");
  try { for (;;) writeSync(file, new Uint8Array(1024 * 1024).fill(1)); }
  catch { closeSync(file); }
};
const spin = () => {
  const [from, used] = [performance.now(), process.cpuUsage()];
  while (performance.now() - from < 1000);
  const { user, system } = process.cpuUsage(used);
  return (user + system) / 1000 / (performance.now() - from);
};
export default { async fetch(request) {
  switch (new URL(request.url).pathname) {
    case "/forks": return new Response(String(await forks()));
    case "/overrun": await forks(); process.exit(3);
    case "/files": fill("/dev/shm/a"); fill("/tmp/a"); return new Response("filled");
    case "/spin": return new Response(String(spin()));
  }
  return new Response("alive");
} };`,
);

/** Where a driver says that it does not hold a limit, it has to say what would. */
async function holds(
  context: CaseContext,
  limit: keyof DriverEnforcement,
): Promise<"hard" | "no" | "tier 2"> {
  const probe = await context.driver.probe(new AbortController().signal);
  if (probe.enforces[limit] === "hard") return probe.tier === 2 ? "tier 2" : "hard";
  assert(probe.remedies.length > 0, `${limit} is not held, and nothing is said about it`);
  return "no";
}

export const limitCases: readonly DriverCase[] = [
  {
    name: "a fork bomb is refused processes at its limit, and its instance serves on",
    knob: "no_limits",
    async run(context) {
      const held = await holds(context, "processes");
      if (held === "no") return;
      const instance = await context.start(limits);
      const started = Number((await context.ok(instance, { path: "/forks" })).text());
      assert(started > 20 && started < forksMax, `${started} processes were started`);
      assert.equal((await context.ok(instance)).text(), "alive");
      if (held !== "tier 2") return;
      const told = (): boolean =>
        context.logs.some(
          ({ source, message }) =>
            source === "platform" && /limit of \d+ processes and threads, \d+/.test(message),
        );
      await context.logged(told, "a line that names the limit and the peak");
    },
  },
  {
    name: "an instance that crashes for want of a process says so, with limit and peak",
    knob: "no_limits",
    async run(context) {
      if ((await holds(context, "processes")) !== "tier 2") return;
      const instance = await context.start(limits);
      const { failure } = await context.fetch(instance, { path: "/overrun" });
      const exit = await context.within(instance.exit, "the instance to exit");
      assert(exit.reason === "processes", JSON.stringify(exit));
      assert(exit.peak <= exit.limit && exit.peak > 20, JSON.stringify(exit));
      assert.deepEqual(failure, { kind: "exited", exit });
    },
  },
  {
    name: "files in memory count as memory",
    knob: "no_limits",
    async run(context) {
      if ((await holds(context, "memory")) === "no") return;
      const limitMb = context.memoryMbMin;
      const instance = await context.start(limits, { memoryMb: limitMb });
      context.call(instance, { path: "/files" });
      const exit = await context.within(instance.exit, "the instance to exit");
      assert(exit.reason === "memory", JSON.stringify(exit));
      assert.equal(exit.limitMb, limitMb);
      const share = exit.peakMb / limitMb;
      assert(share >= 0.9 && share <= 1.25, `peak of ${exit.peakMb} MB`);
    },
  },
  {
    name: "a CPU quota is held as a share of the time",
    knob: "no_limits",
    async run(context) {
      if ((await holds(context, "cpu")) === "no") return;
      const instance = await context.start(limits, { vcpu: 0.25 });
      const share = Number((await context.ok(instance, { path: "/spin" })).text());
      // Of a second: up to one tenth of a second's quota is left from before it.
      assert(share > 0 && share < 0.4, `it had ${share} of a processor`);
    },
  },
];
