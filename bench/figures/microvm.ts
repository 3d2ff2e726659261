import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { createIds } from "../../src/base/ids.ts";
import { silentLog } from "../../src/base/log.ts";
import { systemRandom } from "../../src/base/random.ts";
import { describeExit } from "../../src/domain/instance.ts";
import type { Artifact, Driver, Instance, StartSpec } from "../../src/drivers/driver.ts";
import { cloneLaunch } from "../../src/drivers/microvm/clone-launch.ts";
import { createMicrovmDriver } from "../../src/drivers/microvm/driver.ts";
import {
  buildTestImage,
  bunSource,
  openOwnFolder,
} from "../../src/drivers/microvm/images/test-images.harness.ts";
import { MachineLauncher, processesMax } from "../../src/drivers/microvm/machine-launcher.ts";
import { RuntimeMachines } from "../../src/drivers/microvm/runtime-machines.ts";
import { SharedMachines } from "../../src/drivers/microvm/shared-machines.ts";
import { SharedGroups } from "../../src/drivers/process/cgroup/shared-groups.ts";
import { createEgressRelay, defaultEgressOptions } from "../../src/drivers/process/egress-relay.ts";
import type { Launcher } from "../../src/drivers/process/launcher.ts";
import { defaultLogBudget } from "../../src/drivers/process/log-meter.ts";
import { createMemoryWatcher } from "../../src/drivers/process/memory-watch.ts";
import { ProcessHost } from "../../src/drivers/process/process-host.ts";
import { ProcessInstance } from "../../src/drivers/process/process-instance.ts";
import { processTree } from "../../src/drivers/process/process-tree.ts";
import { CaseContext } from "../../src/drivers/suite/case-context.ts";
import { suiteManifest } from "../../src/drivers/suite/suite-manifest.ts";
import { type Effort, type FigureRow, round3 } from "../figure.ts";
import { pssKb } from "../memory.ts";
import { quantile } from "../statistics.ts";

const memoryMb = 256;
const tmpBytesMax = 64 * 1024 * 1024;
const aliveAtOnce = 20;
const coldPerRound = 2;
const clonesPerRound = 5;
const gate = 0.1;
/** A cold boot takes seconds, and another while the machine has other work. */
const deadlineMs = 300_000;
/** Monitors are at rest when they use at most so many clock ticks in so long, which idle machines do. */
const restTicks = 2;
const restMs = 200;
const restLooksMax = 40;
const { signal } = new AbortController();

/** Reads its JSON and answers with JSON. */
const quick = `export default { async fetch(request) { return Response.json({ sum: (await request.json()).reduce((a, b) => a + b) }); } };`;
/** The same behind an import that computes, as a large module does. */
const slow = `const squares = new Map(Array.from({ length: 200_000 }, (_, i) => [String(i), i * i]));
if (squares.size !== 200_000) throw new Error("not all are there");
${quick}`;

interface Bench {
  readonly context: CaseContext;
  readonly driver: Driver;
  /** Boots a machine for each start. */
  readonly cold: ProcessHost;
  /** Has a clone waiting for each start, as a server has. */
  readonly ready: ProcessHost;
  /** What brings up a machine that was booted, and a clone. */
  readonly launchers: { readonly cold: Launcher; readonly clone: Launcher };
  readonly finding: string;
}

/**
 * Figure mr: from nothing to the first reply of the guest in a microVM, a clone of the runtime's template
 * ÷ a cold boot of the same image, in turns. m: the same to the first response of a deployed function,
 * started, configured and called; mb of a blank, a clone that waited for its function; and ms of a
 * function with an import that computes, as a clone of its own snapshot ÷ one of the runtime's template. m20: instances that are alive at once, and what each holds.
 */
export async function microvm(effort: Effort): Promise<readonly FigureRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "rx-bench-vm-"));
  chmodSync(folder, 0o755);
  const bench = await open(folder);
  try {
    const plain = await deployed(bench, "dep_quick", quick);
    const heavy = await deployed(bench, "dep_slow", slow);
    await bench.driver.snapshots?.make(heavy, specOf(bench, "dep_slow", true), signal);
    const begin = (artifact: Artifact, snapshot: boolean) => (): Promise<Instance> =>
      bench.driver.start(artifact, specOf(bench, artifact.deploymentId, snapshot), signal);
    const boot = (): Promise<Instance> =>
      bench.cold.start(plain, specOf(bench, "dep_quick", false), signal);
    const take = async (): Promise<Instance> => {
      const instance = await bench.ready.start(plain, specOf(bench, "dep_quick", false), signal);
      if (!instance.fromBlank) throw new Error("No blank was waiting");
      return instance;
    };
    bench.ready.warm();
    const replies = { cold: [] as number[], clone: [] as number[] };
    const times = { cold: [] as number[], clone: [] as number[], blank: [] as number[] };
    const imports = { clone: [] as number[], snapshot: [] as number[] };
    const starts = [
      { make: boot, into: times.cold, count: coldPerRound },
      { make: begin(plain, false), into: times.clone, count: clonesPerRound },
      { make: take, into: times.blank, count: clonesPerRound },
      { make: begin(heavy, false), into: imports.clone, count: clonesPerRound },
      { make: begin(heavy, true), into: imports.snapshot, count: clonesPerRound },
    ];
    for (let round = 0; round < effort.rounds; round++) {
      for (const { make, into, count } of starts) {
        for (let n = 0; n < count; n++) into.push(await sampleMs(bench, make));
      }
      for (let n = 0; n < coldPerRound; n++) replies.cold.push(await replyMs(bench.launchers.cold));
      for (let n = 0; n < clonesPerRound; n++) {
        replies.clone.push(await replyMs(bench.launchers.clone));
      }
    }
    return [
      row({
        figure: "mr",
        what: `microVM from nothing to the guest's first reply, ${memoryMb} MB, p50: clone ÷ cold boot`,
        subject: { name: "clone", ms: replies.clone },
        reference: { name: "cold boot", ms: replies.cold },
        gate,
        finding: bench.finding,
      }),
      row({
        figure: "m",
        what: "the same to a function's first response, p50: clone ÷ cold boot",
        subject: { name: "clone", ms: times.clone },
        reference: { name: "cold boot", ms: times.cold },
        gate,
        finding: bench.finding,
      }),
      row({
        figure: "mb",
        what: "a function's first response in a clone that waited as a blank, p50: blank ÷ cold boot",
        subject: { name: "blank", ms: times.blank },
        reference: { name: "cold boot", ms: times.cold },
        gate,
        finding: bench.finding,
      }),
      row({
        figure: "ms",
        what: "a first response behind an import that computes, p50: the deployment's snapshot ÷ clone of the runtime",
        subject: { name: "snapshot", ms: imports.snapshot },
        reference: { name: "clone", ms: imports.clone },
        finding: bench.finding,
      }),
      await aliveRow(bench, begin(plain, false)),
    ];
  } finally {
    await bench.driver.close();
    await bench.cold.close();
    await bench.ready.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function open(folder: string): Promise<Bench> {
  const runDir = join(folder, "run");
  const kept = join(folder, "microvm");
  openOwnFolder(kept);
  const common = { clock: systemClock, random: systemRandom, log: silentLog };
  const groups = new SharedGroups({ runDir, clock: systemClock });
  const machines = new SharedMachines({ ...common, runDir, folder: kept, groups });
  const image = await buildTestImage(bunSource());
  const source = new RuntimeMachines({
    runtime: "bun",
    machines,
    folder: kept,
    source: () => Promise.resolve(bunSource()),
    clock: systemClock,
  });
  // No blanks: each start is from nothing.
  const ids = createIds(systemClock, systemRandom);
  const host = { ...common, ids, blanksMax: 0, startConcurrency: aliveAtOnce, dev: false };
  const driver = createMicrovmDriver({ ...host, runtime: "bun", source });
  const opened = await machines.open();
  const launcher: Launcher = {
    probe: () => source.probe(),
    async launch(starting) {
      const machine = await opened.boot({ image, memoryMb, vcpu: 1 }, starting);
      const launch = await cloneLaunch(machine, { ...common, tmpBytesMax, memoryMb });
      // It is no copy: it is greeted as it comes up, and has randomness of its own. Nobody watches the
      // memory of its monitor.
      const { isClone: _, ...own } = launch;
      return { launch: { ...own, isShared: true }, tier: 3, processesMax };
    },
    close: () => Promise.resolve(),
  };
  const harness = { driver, close: () => driver.close() };
  const context = new CaseContext({ harness, clock: systemClock, deadlineMs, runtime: "bun" });
  const cold = new ProcessHost(launcher, host);
  const size = { memoryMb, vcpu: 1 };
  const clones = new MachineLauncher({
    ...common,
    size,
    tmpBytesMax,
    probe: () => source.probe(),
    clone: (starting) => source.clone(size, starting),
  });
  const ready = new ProcessHost(clones, { ...host, blanksMax: 1 });
  const launchers = { cold: launcher, clone: clones };
  return { context, driver, cold, ready, launchers, finding: opened.finding };
}

function deployed(
  { driver, context }: Bench,
  deploymentId: string,
  source: string,
): Promise<Artifact> {
  const { manifest } = specOf({ context }, deploymentId, false);
  const files = new Map([["index.js", Buffer.from(source)]]);
  return driver.prepare({ deploymentId, manifest, files }, signal);
}

function specOf(
  { context }: Pick<Bench, "context">,
  deploymentId: string,
  snapshot: boolean,
): StartSpec {
  const manifest = { ...suiteManifest({ runtime: "bun", memoryMb }), snapshot };
  return context.spec({ deploymentId, manifest, shape: "fetch" });
}

async function sampleMs(bench: Bench, make: () => Promise<Instance>): Promise<number> {
  await monitorsRest();
  const startMs = performance.now();
  const instance = await make();
  await respond(bench, instance);
  const takenMs = performance.now() - startMs;
  await instance.stop({ graceMs: 0 });
  return takenMs;
}

/** How long a machine takes to come up and to answer a ping, which its guest does when it is a blank. */
async function replyMs(launcher: Launcher): Promise<number> {
  await monitorsRest();
  const clock = systemClock;
  const startMs = performance.now();
  const instance = new ProcessInstance({
    ...(await launcher.launch(signal)),
    id: "ins_reply",
    clock,
    logBudget: defaultLogBudget,
    memoryWatcher: createMemoryWatcher(clock),
    egress: createEgressRelay({ ...defaultEgressOptions, clock }),
    calls: undefined,
    dev: false,
  });
  await Promise.race([instance.greeted, instance.exit]);
  const hasAnswered = await instance.responds(deadlineMs);
  const takenMs = performance.now() - startMs;
  const exit = await instance.stop({ graceMs: 0 });
  if (!hasAnswered) throw new Error(`The machine ended before it answered: ${describeExit(exit)}`);
  return takenMs;
}

/** Resolves when a blank waits and nothing is done for one any more, so that none is measured beside another's boot. */
async function monitorsRest(): Promise<void> {
  let before = -1;
  for (let looks = 0; looks < restLooksMax; looks++) {
    const used = monitorTicks();
    if (before > 0 && used - before <= restTicks) return;
    before = used;
    await Bun.sleep(restMs);
  }
}

/** Processor time of all monitors so far, in clock ticks. */
function monitorTicks(): number {
  let ticks = 0;
  for (const pid of processTree(process.pid)) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      if (!stat.includes("(qemu-system")) continue;
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // It has ended meanwhile.
    }
  }
  return ticks;
}

async function respond({ context }: Bench, instance: Instance): Promise<void> {
  const answer = context.call(instance, { method: "POST", body: "[1,2,3]" });
  await answer.until(() => answer.isDone);
  const text = answer.text();
  if (text !== '{"sum":6}') throw new Error(`The function answered ${text}: ${answer.describe()}`);
}

interface Sample {
  readonly name: string;
  readonly ms: readonly number[];
}

interface Comparison {
  readonly figure: string;
  readonly what: string;
  readonly subject: Sample;
  readonly reference: Sample;
  readonly gate?: number;
  readonly finding: string;
}

function row({ figure, what, subject, reference, gate: bound, finding }: Comparison): FigureRow {
  const base = quantile(reference.ms, 0.5);
  const ratios = subject.ms.map((each) => each / base);
  const ratio = round3(quantile(ratios, 0.5));
  const shown = ({ name, ms }: Sample): string =>
    `${name} ${quantile(ms, 0.5).toFixed(0)} ms (${ms.map((each) => each.toFixed(0)).join(" ")})`;
  return {
    figure,
    what,
    ratio,
    min: round3(Math.min(...ratios)),
    max: round3(Math.max(...ratios)),
    gate: bound === undefined ? "shown" : `<= ${bound}`,
    passed: bound === undefined || ratio <= bound,
    note: `${shown(subject)}, ${shown(reference)}; ${finding}`,
  };
}

async function aliveRow(bench: Bench, make: () => Promise<Instance>): Promise<FigureRow> {
  const alive: Instance[] = [];
  const startMs = performance.now();
  for (let n = 0; n < aliveAtOnce; n++) alive.push(await make());
  await Promise.all(alive.map((instance) => respond(bench, instance)));
  const takenMs = performance.now() - startMs;
  const pssMb = alive.map((instance) => pssKb(instance.pids) / 1024);
  await Promise.all(alive.map((instance) => instance.stop({ graceMs: 0 })));
  const share = pssMb.map((each) => each / memoryMb);
  return {
    figure: "m20",
    what: `${aliveAtOnce} microVMs alive at once, each with a function that answered: PSS of one ÷ its memory`,
    ratio: round3(quantile(share, 0.5)),
    min: round3(Math.min(...share)),
    max: round3(Math.max(...share)),
    gate: "shown",
    passed: true,
    note: `${quantile(pssMb, 0.5).toFixed(1)} MB each (${Math.min(...pssMb).toFixed(1)}–${Math.max(...pssMb).toFixed(1)}), all ${aliveAtOnce} answered after ${takenMs.toFixed(0)} ms`,
  };
}
