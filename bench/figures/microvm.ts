import { mkdtempSync, chmodSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { endOfTurn } from "../../src/base/end-of-turn.ts";
import { silentLog } from "../../src/base/log.ts";
import { systemRandom } from "../../src/base/random.ts";
import { buildTestImage, bunSource } from "../../src/drivers/microvm/images/test-images.harness.ts";
import type { Machine } from "../../src/drivers/microvm/vmm/machine.ts";
import { Machines } from "../../src/drivers/microvm/vmm/machines.ts";
import type { TemplateSpec, Templates } from "../../src/drivers/microvm/vmm/templates.ts";
import { SharedGroups } from "../../src/drivers/process/cgroup/shared-groups.ts";
import { WireConnection } from "../../src/wire/connection.ts";
import { frameType, protocolVersion } from "../../src/wire/frames.ts";
import { type Effort, type FigureRow, round3 } from "../figure.ts";
import { pssKb } from "../memory.ts";
import { quantile } from "../statistics.ts";

const memoryMb = 256;
const aliveAtOnce = 20;
const bootsPerRound = 2;
const clonesPerRound = 5;
const gate = 0.1;
const { signal } = new AbortController();

/**
 * Figure m: from nothing to the first reply of Bun's guest in a microVM: a clone of a template ÷ a
 * cold boot of the same image, in turns. m20: clones that are alive at once, and what each holds.
 */
export async function microvm(effort: Effort): Promise<readonly FigureRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "rx-bench-vm-"));
  chmodSync(folder, 0o755);
  const runDir = join(folder, "run");
  const machines = await Machines.open({
    runDir,
    folder: join(folder, "data"),
    groups: new SharedGroups({ runDir, clock: systemClock }),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  });
  try {
    const image = await buildTestImage(bunSource());
    const shape = { image, memoryMb, vcpu: 1 };
    const templates = await machines.templates(image);
    const spec: TemplateSpec = { shape, variant: "bench", warm };
    await templates.ensure(spec, signal);
    const boot = (): Promise<Machine> => machines.boot(shape, signal);
    const clone = (): Promise<Machine> => templates.clone(spec, signal);
    const coldMs: number[] = [];
    const cloneMs: number[] = [];
    for (let round = 0; round < effort.rounds; round++) {
      for (let n = 0; n < bootsPerRound; n++) coldMs.push(await sampleMs(boot, true));
      for (let n = 0; n < clonesPerRound; n++) cloneMs.push(await sampleMs(clone, false));
    }
    return [startRow(machines.finding, coldMs, cloneMs), await aliveRow(templates, spec)];
  } finally {
    await machines.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function sampleMs(make: () => Promise<Machine>, isNew: boolean): Promise<number> {
  const startMs = performance.now();
  const machine = await make();
  await reply(machine, isNew);
  const takenMs = performance.now() - startMs;
  await machine.stop();
  return takenMs;
}

function startRow(
  finding: string,
  coldMs: readonly number[],
  cloneMs: readonly number[],
): FigureRow {
  const cold = quantile(coldMs, 0.5);
  const ratios = cloneMs.map((each) => each / cold);
  const ratio = round3(quantile(ratios, 0.5));
  const all = (values: readonly number[]): string =>
    values.map((each) => each.toFixed(0)).join(" ");
  return {
    figure: "m",
    what: `microVM to the first reply, ${memoryMb} MB, p50: clone ÷ cold boot`,
    ratio,
    min: round3(Math.min(...ratios)),
    max: round3(Math.max(...ratios)),
    gate: `<= ${gate}`,
    passed: ratio <= gate,
    note: `clone ${quantile(cloneMs, 0.5).toFixed(0)} ms (${all(cloneMs)}), cold boot ${cold.toFixed(0)} ms (${all(coldMs)}); ${finding}`,
  };
}

async function aliveRow(templates: Templates, spec: TemplateSpec): Promise<FigureRow> {
  const alive: Machine[] = [];
  const startMs = performance.now();
  for (let n = 0; n < aliveAtOnce; n++) alive.push(await templates.clone(spec, signal));
  await Promise.all(alive.map((machine) => reply(machine, false)));
  const takenMs = performance.now() - startMs;
  const pssMb = alive.map((machine) => pssKb(machine.process.pids()) / 1024);
  await Promise.all(alive.map((machine) => machine.stop()));
  const share = pssMb.map((each) => each / memoryMb);
  return {
    figure: "m20",
    what: `${aliveAtOnce} microVMs alive at once: PSS of a clone ÷ its memory`,
    ratio: round3(quantile(share, 0.5)),
    min: round3(Math.min(...share)),
    max: round3(Math.max(...share)),
    gate: "shown",
    passed: true,
    note: `${quantile(pssMb, 0.5).toFixed(1)} MB a clone (${Math.min(...pssMb).toFixed(1)}–${Math.max(...pssMb).toFixed(1)}), all ${aliveAtOnce} answered after ${takenMs.toFixed(0)} ms`,
  };
}

/** The runtime was greeted, has answered, and has nothing left to do. */
async function warm(machine: Machine): Promise<void> {
  await reply(machine, true);
  const control = await machine.ports["reactor.control"];
  const settled = new Promise<string>((resolve) => {
    let text = "";
    control.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const answer = /^(ok|error .*)$/m.exec(text)?.[0];
      if (answer !== undefined) resolve(answer);
    });
  });
  control.write("settle\n");
  const answer = await settled;
  if (answer !== "ok") throw new Error(`The template does not settle: ${answer}`);
}

/** Resolves once the guest has answered a ping; one that has just started is greeted first. */
async function reply(machine: Machine, isNew: boolean): Promise<void> {
  const wire = await machine.ports["reactor.wire"];
  const answered = Promise.withResolvers<void>();
  const connection = new WireConnection({
    role: "host",
    sink: { write: (bytes) => wire.write(bytes) },
    listener: {
      frame(type) {
        if (type === frameType.pong) answered.resolve();
        if (type !== frameType.hello) return;
        connection.send(frameType.hello, Buffer.from(JSON.stringify({ version: protocolVersion })));
        connection.send(frameType.ping);
      },
      opened() {
        throw new Error("A guest without a function opened a stream");
      },
      closed: (error) => answered.reject(error),
    },
    payloadBytesMax: 64 * 1024,
    peerStreamsMax: 1,
    endOfTurn,
  });
  wire.on("data", (chunk: Buffer) => connection.receive(chunk));
  // A clone's guest was greeted in the template; what it would say to that is over.
  if (!isNew) connection.send(frameType.ping);
  const ended = machine.ended.then((end) => {
    throw new Error(`The machine ended: ${JSON.stringify(end)}`);
  });
  await Promise.race([answered.promise, ended]);
}
