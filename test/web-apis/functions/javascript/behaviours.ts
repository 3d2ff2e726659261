import { codecs } from "./codec-behaviours.ts";
import { cryptography } from "./crypto-behaviours.ts";
import { network } from "./network-behaviours.ts";
import { platform } from "./platform-behaviours.ts";
import { streams } from "./stream-behaviours.ts";

const behaviourMsMax = 5_000;

/** Uses something once and gives what it made of it, the same each time. */
export type Behaviour = () => unknown;

async function tryOnce(behaviour: Behaviour): Promise<unknown> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, behaviourMsMax, "no end");
  });
  try {
    return await Promise.race([Promise.resolve().then(behaviour), late]);
  } catch (error) {
    const { name, message } = error as Error;
    // Some name the port that they could not reach.
    return `throws ${name}: ${message}`.slice(0, 200).replaceAll(/\b\d{4,5}\b/g, "N");
  } finally {
    clearTimeout(timer);
  }
}

/** What the important parts do, by their names; `origin` answers HTTP and WebSockets. */
export async function behaviours(origin: string): Promise<Record<string, unknown>> {
  const all: Record<string, Behaviour> = {
    ...codecs,
    ...cryptography,
    ...streams,
    ...platform,
    ...network(origin),
  };
  const results: Record<string, unknown> = {};
  for (const [name, behaviour] of Object.entries(all)) {
    results[name] = (await tryOnce(behaviour)) ?? "undefined";
  }
  return results;
}
