import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { debianKernel } from "./debian-kernel.ts";
import { exitMark, type MachineTask, writeRootImage } from "./root-image.ts";

export interface MachineRun {
  /** Of the task's command; undefined when the machine ended before it did. */
  readonly exitCode: number | undefined;
  /** Everything that it wrote to its console. */
  readonly output: string;
}

/** The sources with their tests and the programs take about 350 MiB of it. */
const memoryMib = 3000;

/**
 * Boots Debian's kernel in an emulated machine of its own, runs the task there as root, and resolves
 * once it has powered off. Nothing of it is left. Rejects when it runs longer than `limitMs`.
 */
export async function runInMachine(task: MachineTask, limitMs: number): Promise<MachineRun> {
  const folder = mkdtempSync(join(tmpdir(), "rx-machine-"));
  try {
    const archive = join(folder, "root.cpio");
    writeRootImage(folder, archive, task);
    const machine = Bun.spawn(commandOf(await debianKernel(), archive), {
      stdin: "ignore",
      stderr: "inherit",
      timeout: limitMs,
      killSignal: "SIGKILL",
    });
    const output = await new Response(machine.stdout).text();
    await machine.exited;
    if (machine.signalCode !== null) {
      throw new Error(`The machine did not end within ${limitMs} ms; it wrote:\n${output}`);
    }
    const [, code] = new RegExp(`${exitMark} (\\d+)`).exec(output) ?? [];
    return { exitCode: code === undefined ? undefined : Number(code), output };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// biome-ignore format: one option a line
function commandOf(kernel: string, archive: string): string[] {
  return [
    // Emulated: what /dev/kvm offers here may be too little for a stock kernel.
    "qemu-system-x86_64", "-M", "q35", "-cpu", "max", "-accel", "tcg", "-smp", "2",
    "-m", String(memoryMib), "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
    "-serial", "stdio", "-kernel", kernel, "-initrd", archive,
    "-append", "console=ttyS0 quiet panic=-1",
  ];
}
