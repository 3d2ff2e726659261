/** Invocations whose queries are counted at once; the oldest is forgotten for a new one. */
const invocationsMax = 1024;
/** Statements that are told apart in one invocation. */
const statementsMax = 200;
const shownCharsMax = 300;

interface Watched {
  readonly counts: Map<string, number>;
  saidSlow: boolean;
  saidRepeated: boolean;
}

export interface QueryWatchOptions {
  readonly slowQueryMs: number;
  readonly repeatedQueriesMax: number;
}

/**
 * Finds what makes an invocation slow: a query that takes long, and one statement asked again and
 * again (a query for each row of another). Each is said once in an invocation.
 */
export class QueryWatch {
  readonly #options: QueryWatchOptions;
  readonly #watched = new Map<string, Watched>();

  constructor(options: QueryWatchOptions) {
    this.#options = options;
  }

  /** Takes a query that has run; returns what the function's log should say about it. */
  ran(
    invocationId: string,
    query: { readonly text: string; readonly ms: number },
  ): readonly string[] {
    const { slowQueryMs, repeatedQueriesMax } = this.#options;
    const watched = this.#of(invocationId);
    const said: string[] = [];
    if (query.ms >= slowQueryMs && !watched.saidSlow) {
      watched.saidSlow = true;
      said.push(
        `Slow query: ${Math.round(query.ms)} ms (database.slow_query_ms is ${slowQueryMs}): ${shown(query.text)}`,
      );
    }
    const count = (watched.counts.get(query.text) ?? 0) + 1;
    if (count > 1 || watched.counts.size < statementsMax) watched.counts.set(query.text, count);
    if (count > repeatedQueriesMax && !watched.saidRepeated) {
      watched.saidRepeated = true;
      said.push(
        `The same query ran ${count} times in one invocation, which one query for all rows (op "in", or a join) would do at once: ${shown(query.text)}`,
      );
    }
    return said;
  }

  forget(invocationId: string): void {
    this.#watched.delete(invocationId);
  }

  #of(invocationId: string): Watched {
    const known = this.#watched.get(invocationId);
    if (known !== undefined) return known;
    const [oldest] = this.#watched.keys();
    if (this.#watched.size >= invocationsMax && oldest !== undefined) this.#watched.delete(oldest);
    const fresh = { counts: new Map<string, number>(), saidSlow: false, saidRepeated: false };
    this.#watched.set(invocationId, fresh);
    return fresh;
  }
}

function shown(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= shownCharsMax ? line : `${line.slice(0, shownCharsMax)}…`;
}
