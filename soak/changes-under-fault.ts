import { checkLedger } from "./check-ledger.ts";
import { ClientError } from "../src/client/client-error.ts";
import type { Draw } from "./draw.ts";
import type { Ledger } from "./ledger.ts";
import { mutateOnce } from "./mutator.ts";
import { stateAfter } from "./operation.ts";
import { FailedDeploy } from "./perform.ts";
import type { Violations } from "./violations.ts";
import type { SoakServer } from "./world.ts";

export interface FaultyChanges {
  readonly server: SoakServer;
  readonly ledgers: readonly Ledger[];
  readonly draw: Draw;
  readonly violations: Violations;
  readonly counts: Record<string, number>;
  /** Operations of each client; it ends early when one is in doubt. */
  readonly operations: number;
  readonly paddingBytes?: number;
}

/** The disk failed, and the server says so. */
function isStorageFailure(error: unknown): boolean {
  if (error instanceof FailedDeploy)
    return /"code":"storage_(unavailable|full)"/.test(error.message);
  if (!(error instanceof ClientError)) return false;
  return error.code === "storage_unavailable" || error.code === "storage_full";
}

/** Every client changes its function until one of its operations is in doubt or all are done. */
export async function changeUnderFault(options: FaultyChanges): Promise<void> {
  await Promise.all(
    options.ledgers.map(async (ledger, n) => {
      const draw = options.draw.fork(`client ${n}`);
      let certain = true;
      for (let left = options.operations; certain && left > 0; left--) {
        certain = await mutateOnce({
          client: options.server.client,
          ledger,
          draw,
          violations: options.violations,
          counts: options.counts,
          mayFail: isStorageFailure,
          ...(options.paddingBytes === undefined ? {} : { paddingBytes: options.paddingBytes }),
        });
      }
    }),
  );
}

/**
 * Looks at the running server after a fault. What it shows must be allowed; a deploy that broke off
 * may still be shown as half-made. What is not done stays in doubt: a commit whose sync failed can
 * be in the log that the next server reads.
 */
export async function checkAfterFault(options: FaultyChanges, what: string): Promise<void> {
  for (const ledger of options.ledgers) {
    const { possible, asked } = ledger;
    const [before] = possible;
    if (asked?.kind === "deploy" && before !== undefined) {
      const half = ["pending", "materializing"].map((status) =>
        stateAfter(before, { ...asked, promote: false }, status),
      );
      ledger.doubtAgain([...possible, ...half], asked);
    }
    const { problems } = await checkLedger(options.server.client, ledger);
    for (const problem of problems)
      options.violations.add(`${what}, before the restart: ${problem}`);
    const done = asked !== undefined && possible.slice(1, 2).includes(ledger.state);
    if (asked !== undefined && !done) ledger.doubtAgain(possible, asked);
  }
}

/** Compares the journals with the server that was started after the fault. */
export async function checkAfterRestart(options: FaultyChanges, what: string): Promise<void> {
  for (const ledger of options.ledgers) {
    const { happened, problems } = await checkLedger(options.server.client, ledger);
    const fate = happened === undefined ? "certain" : happened ? "done" : "not done";
    options.counts[`found ${fate}`] = (options.counts[`found ${fate}`] ?? 0) + 1;
    for (const problem of problems) options.violations.add(`${what}: ${problem}`);
  }
}
