import type { Violations } from "./violations.ts";
import type { SoakServer } from "./world.ts";

/** Reads and invokes while faults happen: both must go on. */
export interface WarmReader {
  /** Ends it and resolves with how often it asked. */
  stop(): Promise<number>;
}

/** Asks for the list of functions and invokes `/fn/v1/warm` in turn; anything but success is a violation. */
export function startWarmReader(
  server: SoakServer,
  what: string,
  violations: Violations,
): WarmReader {
  const state = { over: false, asked: 0 };
  const running = (async () => {
    while (!state.over) {
      state.asked += 1;
      try {
        await server.client.listFunctions();
        const response = await fetch(`${server.url}/fn/v1/warm`, { keepalive: false });
        const text = await response.text();
        if (response.status !== 200) violations.add(`${what}: warm invocation: ${text}`);
      } catch (error) {
        violations.add(`${what}: reads did not go on: ${String(error)}`);
      }
      await Bun.sleep(10);
    }
  })();
  return {
    async stop() {
      state.over = true;
      await running;
      return state.asked;
    },
  };
}
