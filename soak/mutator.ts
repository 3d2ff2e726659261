import type { ReactorClient } from "../src/client/client.ts";
import { ClientError } from "../src/client/client-error.ts";
import type { Draw } from "./draw.ts";
import { readyLabels } from "./function-state.ts";
import type { Ledger } from "./ledger.ts";
import { drawOperation } from "./operation.ts";
import { FailedDeploy, invocationProblem, perform } from "./perform.ts";
import type { Violations } from "./violations.ts";

export interface MutatorOptions {
  readonly client: ReactorClient;
  readonly ledger: Ledger;
  readonly draw: Draw;
  readonly violations: Violations;
  readonly counts: Record<string, number>;
  /** Whether a failed operation may be the server's death or the fault, not the server's mistake. */
  readonly mayFail: (error: unknown) => boolean;
  readonly paddingBytes?: number;
}

/**
 * Does one drawn operation and writes down what became of it. Resolves with false when its fate is
 * unknown: then the ledger must be checked before the next.
 */
export async function mutateOnce(options: MutatorOptions): Promise<boolean> {
  const { client, ledger, draw, violations, counts } = options;
  const { state } = ledger;
  const operation = drawOperation(draw, state, ledger.nextSerial());
  counts[operation.kind] = (counts[operation.kind] ?? 0) + 1;
  const { paddingBytes = 0 } = options;
  try {
    if (operation.kind === "invoke") {
      const problem = await invocationProblem(client, ledger.name, state);
      if (problem !== undefined) violations.add(problem);
      return true;
    }
    ledger.ask(operation);
    await perform(client, ledger, operation, { paddingBytes });
    ledger.acknowledge(operation);
    return true;
  } catch (error) {
    if (options.mayFail(error)) {
      counts["in doubt"] = (counts["in doubt"] ?? 0) + 1;
      return false;
    }
    const what = `${ledger.name}: ${JSON.stringify(operation)} (ready: ${readyLabels(state).join(", ")})`;
    violations.add(`${what}: ${String(error)}`);
    if (error instanceof FailedDeploy) return false;
    ledger.refuse();
    return true;
  }
}

/** The connection broke: what a killed server does to its clients. */
export function isLostConnection(error: unknown): boolean {
  return error instanceof ClientError
    ? error.code === "unreachable"
    : error instanceof Error && ("code" in error || error.name === "TypeError");
}
