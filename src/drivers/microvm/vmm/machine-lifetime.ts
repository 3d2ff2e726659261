import type { MachineEnd } from "./machine.ts";
import { VmmError } from "./vmm-error.ts";

/** One sentence for messages and logs. */
function describeEnd(end: MachineEnd): string {
  switch (end.reason) {
    case "poweroff":
      return "it switched itself off";
    case "panic":
      return `its kernel gave up: ${/Kernel panic.*/.exec(end.console)?.[0] ?? "it reset itself"}`;
    case "stopped":
      return "it was stopped by the platform";
    case "memory":
      return "its monitor was over its memory limit";
    case "killed":
      return `its monitor was killed by ${end.signal}`;
    case "failed":
      return end.message;
  }
}

/** The promise's outcome, unless the machine ends or the signal aborts first. */
export async function orEnded<T>(
  promise: Promise<T>,
  ended: Promise<MachineEnd>,
  signal?: AbortSignal,
): Promise<T> {
  const given = Promise.withResolvers<never>();
  const onAbort = (): void => given.reject(signal?.reason);
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener("abort", onAbort, { once: true });
  const asEnded = async (): Promise<never> => {
    throw new VmmError("ended", `The machine has ended: ${describeEnd(await ended)}`);
  };
  // Its connection closes first, and then only the process's end says why.
  const explained = promise.catch((error: unknown) => {
    if (error instanceof VmmError && error.failure === "ended") return asEnded();
    throw error;
  });
  try {
    return await Promise.race([explained, given.promise, ended.then(asEnded)]);
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}
