import type { ReactorClient } from "../src/client/client.ts";
import { canonical, type FunctionState } from "./function-state.ts";
import type { Ledger } from "./ledger.ts";
import { observe } from "./observe.ts";
import { invocationProblem } from "./perform.ts";

/** What the comparison of a journal with the server found. */
export interface LedgerFinding {
  /** Whether an operation without an acknowledgement turned out to have happened; undefined without one. */
  readonly happened: boolean | undefined;
  readonly problems: readonly string[];
}

/**
 * Compares a client's journal with the API and with what the function answers. Afterwards the
 * ledger is certain again: it holds the one possible state that the server shows.
 */
export async function checkLedger(client: ReactorClient, ledger: Ledger): Promise<LedgerFinding> {
  const shown = await observe(client, ledger);
  const { asked } = ledger;
  const fitting = ledger.possible.filter((state) => canonical(state) === canonical(shown));
  const before = ledger.possible[0];
  if (fitting.length === 0) {
    const possible = ledger.possible.map(canonical).join(" or ");
    ledger.settle(before === undefined ? shown : { ...shown, secrets: before.secrets });
    const doubt = asked === undefined ? "nothing in doubt" : `in doubt: ${JSON.stringify(asked)}`;
    return {
      happened: undefined,
      problems: [
        `${ledger.name} (${doubt}): the API shows ${canonical(shown)}, allowed is ${possible}`,
      ],
    };
  }
  // Secrets show their values only in an answer: of several fitting states one must explain it.
  const tried = await Promise.all(
    fitting.map(async (state) => ({
      state,
      problems: await answerProblems(client, ledger, state),
    })),
  );
  const right = tried.find(({ problems }) => problems.length === 0);
  ledger.settle((right ?? tried[0])?.state ?? shown);
  return {
    happened: asked === undefined ? undefined : ledger.state !== before,
    problems: right === undefined ? tried.flatMap(({ problems }) => problems) : [],
  };
}

/** What is wrong about the answers of production and of every alias, if the state is this one. */
async function answerProblems(
  client: ReactorClient,
  ledger: Ledger,
  state: FunctionState,
): Promise<readonly string[]> {
  const live = state.exists && !state.deleted;
  const aliases = [undefined, ...(live ? Object.keys(state.aliases) : [])];
  const problems = await Promise.all(
    aliases.map((alias) => invocationProblem(client, ledger.name, state, alias)),
  );
  return problems.filter((problem) => problem !== undefined);
}
