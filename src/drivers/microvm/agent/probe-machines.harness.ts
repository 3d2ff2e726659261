import { once } from "node:events";
import { TestPort, type TestPorts } from "../images/boot-image.harness.ts";
import { probeSource } from "../images/probe-runtime.harness.ts";
import {
  buildTestImage,
  testImageFolder,
  testTemplateBytesMax,
} from "../images/test-images.harness.ts";
import type { Machine, MachineEnd } from "../vmm/machine.ts";
import {
  makeTestFolder,
  openTestMachines,
  removeTestFolder,
} from "../vmm/testing/open-machines.ts";
import type { TemplateSpec } from "../vmm/templates.ts";

/** A machine whose agent has started the probe, which waits to be told something. */
export interface ProbeMachine {
  readonly ports: TestPorts;
  /** Resolves when it has ended and all that it wrote was read. */
  readonly ended: Promise<MachineEnd>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Machines with the probe, clones of one that was booted once. */
export interface ProbeMachines {
  clone(): Promise<ProbeMachine>;
  close(): Promise<void>;
}

export async function openProbeMachines(): Promise<ProbeMachines> {
  const folder = makeTestFolder();
  const machines = await openTestMachines(folder, {
    folder: testImageFolder,
    templateBytesMax: testTemplateBytesMax,
  });
  const image = await buildTestImage(probeSource);
  const templates = await machines.templates(image);
  const { signal } = new AbortController();
  const spec: TemplateSpec = { shape: { image, memoryMb: 256, vcpu: 1 }, variant: "probe", warm };
  return {
    clone: async () => attached(await templates.clone(spec, signal)),
    async close() {
      await machines.close();
      removeTestFolder(folder);
    },
  };
}

/** The agent's first word is its protocol; then the probe starts, and waits. */
async function warm(machine: Machine): Promise<void> {
  const control = new TestPort();
  control.attach(await machine.ports["reactor.control"]);
  void machine.ended.then((end) => control.end(`The machine has ended: ${JSON.stringify(end)}`));
  await control.until(() => control.text.includes("\n"));
  if (control.text !== "hello 1\n") throw new Error(`its first word is ${control.text}`);
  const settled = await control.ask("settle");
  if (settled !== "ok") throw new Error(settled);
}

async function attached(machine: Machine): Promise<ProbeMachine> {
  const attach = async (name: keyof Machine["ports"]) => {
    const port = new TestPort();
    const socket = await machine.ports[name];
    const closed = once(socket, "close");
    port.attach(socket);
    return { port, closed };
  };
  const [wire, control, stdout, stderr] = await Promise.all([
    attach("reactor.wire"),
    attach("reactor.control"),
    attach("reactor.stdout"),
    attach("reactor.stderr"),
  ]);
  const all = [wire, control, stdout, stderr];
  const ended = (async () => {
    const end = await machine.ended;
    await Promise.all(all.map(({ closed }) => closed));
    const said = `control: ${control.port.text}, console: ${machine.consoleTail().slice(-2000)}`;
    for (const { port } of all) port.end(`The machine has ended: ${JSON.stringify(end)}; ${said}`);
    machine.release();
    return end;
  })();
  return {
    ports: { wire: wire.port, control: control.port, stdout: stdout.port, stderr: stderr.port },
    ended,
    async [Symbol.asyncDispose]() {
      await machine.stop();
    },
  };
}
