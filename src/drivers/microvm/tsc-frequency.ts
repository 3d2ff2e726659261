import { join } from "node:path";
import { runTool } from "../process/run-tool.ts";

const script = join(import.meta.dirname, "tsc-frequency.pl");
const timeoutMs = 30_000;
const khzMin = 100_000;

/**
 * The kernel argument that tells an emulated machine how fast its time stamp counter, which is the
 * host's, counts. A kernel without it measures that by a timer whose steps come late on a busy host;
 * it then takes the counter for useless, has no clock at all, and hangs. Measured in 50 ms.
 */
export async function tscArgument(): Promise<string> {
  const { code, stdout, stderr, failure } = await runTool("/usr/bin/perl", [script], { timeoutMs });
  const khz = Number(stdout.trim());
  if (code === 0 && khz >= khzMin) return `tsc_early_khz=${khz}`;
  const reason = failure ?? (stderr.trim() || `it printed "${stdout.trim()}"`);
  throw new Error(`Cannot measure the processor's time stamp counter: ${reason}`);
}
