import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where a kernel that was fetched once stays; the same for every run on a machine. */
const kernelDir = join(tmpdir(), "reactor-test-kernel");
const mayFetch = process.env["CI"] === "true" && process.getuid?.() === 0;

/** Why no machine can be booted here; undefined when one can. */
export const machineMissing: string | undefined = whatIsMissing();

function whatIsMissing(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "boots an x86-64 machine";
  const tools = ["qemu-system-x86_64", "busybox", "bwrap", "ldd", "apt-get", "dpkg"];
  const missing = tools.filter((tool) => Bun.which(tool) === null);
  if (missing.length > 0) {
    return `needs ${missing.join(", ")}: apt-get install qemu-system-x86 busybox-static bubblewrap`;
  }
  if (mayFetch || existsSync(join(kernelDir, "boot"))) return undefined;
  return `needs a kernel in ${kernelDir}, which CI=true as root unpacks from Debian's packages`;
}

/** Path of Debian's own kernel for cloud machines; unpacked, not installed. */
export function debianKernel(): string {
  if (!existsSync(join(kernelDir, "boot"))) unpackKernel();
  const boot = join(kernelDir, "boot");
  const name = readdirSync(boot).find((file) => file.startsWith("vmlinuz"));
  if (name === undefined) throw new Error(`Cannot boot a machine: no kernel in ${boot}`);
  return join(boot, name);
}

function unpackKernel(): void {
  const folder = mkdtempSync(`${kernelDir}-`);
  try {
    const depends = run(folder, ["apt-cache", "depends", "linux-image-cloud-amd64"]);
    const [, name] = /Depends: (linux-image-\S+)/.exec(depends) ?? [];
    if (name === undefined) throw new Error(`Cannot find Debian's kernel in:\n${depends}`);
    run(folder, ["apt-get", "download", "-qq", name]);
    const file = readdirSync(folder).find((entry) => entry.endsWith(".deb"));
    if (file === undefined)
      throw new Error(`Cannot find the package of ${name} after its download`);
    run(folder, ["dpkg", "-x", file, "unpacked"]);
    mkdirSync(kernelDir, { recursive: true });
    renameSync(join(folder, "unpacked/boot"), join(kernelDir, "boot"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(cwd: string, command: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd });
  if (exitCode === 0) return stdout.toString();
  throw new Error(`${command.join(" ")} ended with ${exitCode}: ${stderr.toString()}`);
}
