import type { Clock } from "../../base/clock.ts";
import type { InstanceExit } from "../../domain/instance.ts";
import { protocolVersion } from "../../wire/frames.ts";

/** Payload of the host's hello. */
export const hostHello = Buffer.from(JSON.stringify({ version: protocolVersion }));

export type HandshakeOutcome =
  | { readonly kind: "ready" }
  | { readonly kind: "exited"; readonly exit: InstanceExit }
  | { readonly kind: "timeout" }
  | { readonly kind: "aborted" };

export interface HandshakeOptions {
  readonly ready: Promise<void>;
  readonly exit: Promise<InstanceExit>;
  readonly clock: Clock;
  /** When to give up, on the clock's monotonic time. */
  readonly untilMs: number;
  readonly signal: AbortSignal;
}

/** Races readiness against death, time and the caller's change of mind. Never rejects, never polls. */
export function handshake(options: HandshakeOptions): Promise<HandshakeOutcome> {
  const { ready, exit, clock, untilMs, signal } = options;
  return new Promise((resolve) => {
    const settle = (outcome: HandshakeOutcome): void => {
      timer.cancel();
      signal.removeEventListener("abort", onAbort);
      resolve(outcome);
    };
    const onAbort = (): void => settle({ kind: "aborted" });
    const waitMs = Math.max(0, untilMs - clock.monotonicMs());
    const timer = clock.after(waitMs, () => settle({ kind: "timeout" }));
    void ready.then(() => settle({ kind: "ready" }));
    void exit.then((ended) => settle({ kind: "exited", exit: ended }));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}
