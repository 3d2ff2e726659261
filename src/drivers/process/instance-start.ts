import { describeExit } from "../../domain/instance.ts";
import { allotmentOf } from "../../domain/usage.ts";
import { type Artifact, StartError, type StartSpec } from "../driver.ts";
import type { HandshakeOutcome } from "./handshake.ts";
import type { ProcessInstance } from "./process-instance.ts";

/** Hands a blank its function; ends the instance when what it is told makes no sense. */
export async function configured(
  instance: ProcessInstance,
  artifact: Artifact,
  spec: StartSpec,
): Promise<void> {
  instance.allotment = allotmentOf(spec.manifest.limits);
  try {
    instance.configure(artifact, spec);
  } catch (error) {
    await instance.stop({ graceMs: 0 });
    throw error;
  }
}

/** Returns when the outcome is ready; else ends the instance and throws what `start` promises. */
export async function insist(
  instance: ProcessInstance,
  outcome: HandshakeOutcome,
  limitMs: number,
  signal: AbortSignal,
): Promise<void> {
  switch (outcome.kind) {
    case "ready":
      return;
    case "aborted":
      await instance.stop({ graceMs: 0 });
      throw signal.reason;
    case "timeout": {
      const exit = await instance.stop({ graceMs: 0, exit: { reason: "start_timeout", limitMs } });
      throw new StartError(exit, instance.output.tail(), failed(instance, describeExit(exit)));
    }
    case "exited": {
      const { exit } = outcome;
      throw new StartError(exit, instance.output.tail(), failed(instance, describeExit(exit)));
    }
  }
}

function failed(instance: ProcessInstance, how: string): string {
  return `Cannot start instance ${instance.id}: it ${how}`;
}
