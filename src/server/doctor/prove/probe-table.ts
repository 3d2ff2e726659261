import type { Probe } from "./probe.ts";
import { endProbes } from "./probes/end-probes.ts";
import { fileProbes } from "./probes/file-probes.ts";
import { kernelProbes } from "./probes/kernel-probes.ts";
import { networkProbes } from "./probes/network-probes.ts";
import { processProbes } from "./probes/process-probes.ts";
import { processorProbes } from "./probes/processor-probes.ts";
import { resourceProbes } from "./probes/resource-probes.ts";

/** Every probe, in the order in which they run. */
export const probeTable: readonly Probe[] = [
  ...fileProbes,
  ...processProbes,
  ...kernelProbes,
  ...networkProbes,
  ...resourceProbes,
  ...processorProbes,
  ...endProbes,
];
