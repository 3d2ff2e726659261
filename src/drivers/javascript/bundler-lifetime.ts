import { stop } from "esbuild";
import { endOfTurn } from "../../base/end-of-turn.ts";
import { argumentsOf, childrenOf } from "../process/process-tree.ts";

/** Some thousand turns of the event loop: far more than a killed process needs to be gone. */
const turnsMax = 20_000;

/** Drivers that may bundle; esbuild keeps one helper process for all of them. */
let users = 0;

/** Says that a driver may bundle from here on. */
export function retainBundler(): void {
  users += 1;
}

/** Ends the helper process with the last driver, and resolves when it is gone. */
export async function releaseBundler(): Promise<void> {
  users -= 1;
  if (users > 0) return;
  const helpers = childrenOf(process.pid).filter(isHelper);
  await stop();
  // esbuild tells nobody when its helper has ended and is reaped, so look once a turn.
  const left = (): boolean => {
    const children = childrenOf(process.pid);
    return helpers.some((pid) => children.includes(pid));
  };
  for (let turn = 0; turn < turnsMax && left(); turn++) {
    await new Promise<void>((resolve) => endOfTurn(resolve));
  }
}

function isHelper(pid: number): boolean {
  return argumentsOf(pid).some((arg) => arg.startsWith("--service="));
}
