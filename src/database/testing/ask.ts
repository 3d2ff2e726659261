import type { DatabaseSession } from "../database-session.ts";
import type { QueryResult } from "../query/decode-result.ts";

const owner = { invocationId: "inv_1", requestId: "req_1" };

/** Calls of one invocation, as the guest makes them. */
export class Ask {
  readonly #session: DatabaseSession;

  constructor(session: DatabaseSession) {
    this.#session = session;
  }

  async call(
    method: string,
    params: object,
    signal = new AbortController().signal,
  ): Promise<unknown> {
    return JSON.parse(await this.#session.call({ method, params, owner }, signal));
  }

  query(query: object, transaction?: string): Promise<unknown> {
    return this.call("db.query", { query, transaction });
  }

  async sql(
    text: string,
    params: readonly unknown[] = [],
    transaction?: string,
  ): Promise<QueryResult> {
    return (await this.call("db.sql", { text, params, transaction })) as QueryResult;
  }

  /** The first cell of the first row. */
  async cell(text: string, params: readonly unknown[] = []): Promise<unknown> {
    return (await this.sql(text, params)).rows[0]?.[0];
  }

  async begin(): Promise<string> {
    return ((await this.call("db.begin", {})) as { readonly transaction: string }).transaction;
  }

  /** The code of what the work throws; fails when it throws nothing. */
  async code(work: Promise<unknown>): Promise<unknown> {
    const outcome = await work.then(
      (value) => ({ value }),
      (error: unknown) => error,
    );
    if (outcome instanceof Error && "code" in outcome) return outcome.code;
    throw new Error(`It threw nothing with a code: ${JSON.stringify(outcome)}`);
  }
}
