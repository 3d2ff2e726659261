import { join } from "node:path";
import { runTool } from "../process/run-tool.ts";

const script = join(import.meta.dirname, "tsc-frequency.pl");
const timeoutMs = 30_000;
const khzMin = 100_000;

/**
 * The kernel arguments that tell an emulated machine how fast its time stamp counter, which is the
 * host's, counts, and that it does so evenly. A kernel without the first measures that by a timer whose
 * steps come late on a busy host; it then takes the counter for useless, has no clock at all, and hangs.
 * One without the second goes on comparing both, gives the counter up at the first late step, and from
 * then on counts ticks: 4 ms each, 250 a second also when it has nothing to do, and those that come late
 * are lost. Measured in 50 ms.
 */
export async function tscArgument(): Promise<string> {
  const { code, stdout, stderr, failure } = await runTool("/usr/bin/perl", [script], { timeoutMs });
  const khz = Number(stdout.trim());
  if (code === 0 && khz >= khzMin) return `tsc=reliable tsc_early_khz=${khz}`;
  const reason = failure ?? (stderr.trim() || `it printed "${stdout.trim()}"`);
  throw new Error(`Cannot measure the processor's time stamp counter: ${reason}`);
}
