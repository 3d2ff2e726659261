import { findKernel } from "../../src/drivers/microvm/images/find-kernel.ts";
import {
  kernelMissing,
  testImageFolder,
} from "../../src/drivers/microvm/images/test-images.harness.ts";

/** Why no machine can be booted here; undefined when one can. */
export const machineMissing: string | undefined = await whatIsMissing();

async function whatIsMissing(): Promise<string | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64") return "boots an x86-64 machine";
  const tools = ["qemu-system-x86_64", "busybox", "bwrap", "ldd"];
  const missing = tools.filter((tool) => Bun.which(tool) === null);
  if (missing.length === 0) return kernelMissing();
  return `needs ${missing.join(", ")}: apt-get install qemu-system-x86 busybox-static bubblewrap`;
}

/** Path of Debian's own kernel for cloud machines; unpacked, not installed. */
export async function debianKernel(): Promise<string> {
  return (await findKernel(testImageFolder)).imagePath;
}
