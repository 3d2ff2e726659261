/** How an instance ended. Settles once. Shown to callers with `function_crashed`. */
export type InstanceExit =
  /** The platform stopped it: idle, drained, replaced, shut down, or its function was deleted. */
  | { readonly reason: "stopped"; readonly because?: "deleted" }
  /** The process ended by itself, e.g. `process.exit(0)`. */
  | { readonly reason: "exited"; readonly code: number }
  | { readonly reason: "signal"; readonly signal: string }
  | {
      readonly reason: "memory";
      readonly limitMb: number;
      readonly peakMb: number;
      /** The pod that was over its limit, when the instance shared one. */
      readonly pod?: string;
    }
  /** It ended right after the kernel refused it a process or thread over its limit. */
  | { readonly reason: "processes"; readonly limit: number; readonly peak: number }
  /** An exception that no handler caught, e.g. in a timer. */
  | { readonly reason: "uncaught"; readonly message: string }
  /** For `stuckMs` its event loop did not answer, or it did not confirm a cancel. */
  | {
      readonly reason: "unresponsive";
      readonly stuckMs: number;
      readonly unconfirmed?: "cancel";
    }
  /** The kernel of its own machine gave up. */
  | { readonly reason: "panic" }
  /** It broke the wire protocol. */
  | { readonly reason: "protocol"; readonly message: string }
  /** It was not ready within `limitMs`. */
  | { readonly reason: "start_timeout"; readonly limitMs: number }
  /** The module could not be loaded: syntax error, missing export, throw at import. */
  | { readonly reason: "load_failed"; readonly message: string };

/** One sentence for messages and logs. */
export function describeExit(exit: InstanceExit): string {
  switch (exit.reason) {
    case "stopped":
      return exit.because === "deleted"
        ? "was stopped because the function was deleted"
        : "was stopped by the platform";
    case "exited":
      return `exited with code ${exit.code}`;
    case "signal":
      return `was killed by ${exit.signal}`;
    case "memory":
      return exit.pod === undefined
        ? `used ${exit.peakMb} MB, over its limit of ${exit.limitMb} MB`
        : `was in pod ${exit.pod}, which used ${exit.peakMb} MB, over its limit of ${exit.limitMb} MB`;
    case "processes":
      return `needed more than its limit of ${exit.limit} processes and threads`;
    case "uncaught":
      return `died of an uncaught exception: ${exit.message}`;
    case "unresponsive":
      return exit.unconfirmed === undefined
        ? `did not answer for ${exit.stuckMs} ms`
        : `answered, but did not end a cancelled request for ${exit.stuckMs} ms`;
    case "panic":
      return "lost its machine, whose kernel gave up";
    case "protocol":
      return `broke the invocation protocol: ${exit.message}`;
    case "start_timeout":
      return `was not ready within ${exit.limitMs} ms`;
    case "load_failed":
      return `could not load its module: ${exit.message}`;
  }
}

/** Isolation tiers of THREATS: 0 process, 1 sandbox, 2 hardened, 3 microVM. */
export type Tier = 0 | 1 | 2 | 3;
