import { runTool } from "../../process/run-tool.ts";
import { findTool } from "../../process/sandbox-probe.ts";
import { VmmError } from "./vmm-error.ts";

const versionMs = 20_000;
/** The oldest that keeps a template's memory in its file. */
const majorMin = 7;

export interface QemuProgram {
  readonly path: string;
  readonly version: string;
}

/** QEMU on this machine. Throws `unavailable` with the remedy. */
export async function findQemu(path = findTool("qemu-system-x86_64")): Promise<QemuProgram> {
  if (process.arch !== "x64") {
    throw new VmmError(
      "unavailable",
      `Cannot run virtual machines on ${process.arch}: QEMU's "microvm" board is x86-64 only`,
    );
  }
  if (path === undefined) {
    throw new VmmError(
      "unavailable",
      "Cannot run virtual machines: there is no QEMU; apt-get install qemu-system-x86",
    );
  }
  const { stdout, stderr, failure } = await runTool(path, ["--version"], { timeoutMs: versionMs });
  const [, version] = /^QEMU emulator version (\d+\.\d+\.\d+)/.exec(stdout) ?? [];
  if (version === undefined) {
    const why = failure ?? (stderr.trim() || stdout.trim() || "it printed nothing");
    throw new VmmError("unavailable", `Cannot run virtual machines: ${path} --version: ${why}`);
  }
  if (Number.parseInt(version, 10) < majorMin) {
    throw new VmmError(
      "unavailable",
      `Cannot run virtual machines: QEMU is ${version}, must be at least ${majorMin}.0`,
    );
  }
  return { path, version };
}
