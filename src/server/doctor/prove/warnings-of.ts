import type { Attacker } from "./attacker.ts";
import type { ProbeWorld } from "./probe-world.ts";

const pollMs = 100;
const withinMs = 5000;

/**
 * The warnings in a function's log, once there are enough of them: they are written a moment after
 * what they are about. What there is after 5 s counts.
 */
export async function warningsOf(
  { server, clock, signal }: ProbeWorld,
  { name }: Attacker,
  areEnough: (messages: readonly string[]) => boolean,
): Promise<readonly string[]> {
  const untilMs = clock.monotonicMs() + withinMs;
  for (;;) {
    const lines = await server.client.readLogs(name, { levels: ["warn"], limit: 500, signal });
    const messages = lines.map(({ message }) => message);
    if (areEnough(messages) || clock.monotonicMs() > untilMs) return messages;
    await clock.sleep(pollMs, signal);
  }
}
