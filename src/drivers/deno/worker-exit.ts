import { deno } from "./deno-api.ts";
import type { WorkerEnd } from "./pod-messages.ts";

/** The worker's own global functions, taken before user code can replace them. */
const scope = globalThis as typeof globalThis & {
  postMessage(message: WorkerEnd): void;
  close(): void;
};
const postMessage = scope.postMessage.bind(scope);
const close = scope.close.bind(scope);

/** Tells the pod how the worker ended and ends it: nothing after it runs. */
export function endWorker(end: WorkerEnd): never {
  postMessage(end);
  close();
  // Deno ends the code at the next jump back, and until then nothing may run that a request could see.
  for (;;);
}

/**
 * Makes everything that would end the process end the worker alone, after `beforeEnd`. Code and
 * signal are typed as those of a process would be.
 */
export function confineExits(beforeEnd: () => void): void {
  const exit = (code: unknown): never => {
    beforeEnd();
    return endWorker({ code: Number(code ?? process.exitCode ?? 0) });
  };
  Object.assign(deno, { exit });
  Object.assign(process, {
    reallyExit: exit,
    abort(): never {
      beforeEnd();
      return endWorker({ signal: "SIGABRT" });
    },
    kill(): never {
      throw new deno.errors.PermissionDenied(
        "Cannot send signals from a worker: its process is the whole pod's",
      );
    },
  });
  Object.assign(globalThis, { close: () => exit(0) });
}
