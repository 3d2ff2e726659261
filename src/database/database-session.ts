import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import { DatabaseError, malformed } from "./database-error.ts";
import type { DatabaseSettings } from "./database-settings.ts";
import type { DatabaseConnection } from "./postgres/database-connection.ts";
import type { ProjectDatabase } from "./project-database.ts";
import type { QueryResult } from "./query/decode-result.ts";
import { parseObject } from "./query/parse-parts.ts";
import { QueryWatch } from "./query-watch.ts";
import { type CheckedQuery, checkQuery, checkSql, runStatement } from "./run-query.ts";
import { TransactionLease } from "./transaction-lease.ts";

/** Whose call it is. */
export interface QueryOwner {
  readonly invocationId: string;
  readonly requestId: string;
}

export interface DatabaseSessionOptions {
  readonly database: () => ProjectDatabase;
  readonly settings: DatabaseSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: (level: "warn", message: string, owner: QueryOwner) => void;
}

interface Call {
  readonly params: Readonly<Record<string, unknown>>;
  readonly owner: QueryOwner;
  readonly signal: AbortSignal;
}

/** The queries of one instance: its calls by name, its open transactions, and what is said of them. */
export class DatabaseSession {
  readonly #options: DatabaseSessionOptions;
  readonly #watch: QueryWatch;
  readonly #leases = new Map<string, TransactionLease>();
  /** Invocations that are beginning a transaction. */
  readonly #beginning = new Set<string>();
  #isClosed = false;

  constructor(options: DatabaseSessionOptions) {
    this.#options = options;
    this.#watch = new QueryWatch(options.settings);
  }

  /** Serves a call of `ctx.db`; resolves with the JSON of its result. */
  async call(
    request: { readonly method: string; readonly params: unknown; readonly owner: QueryOwner },
    signal: AbortSignal,
  ): Promise<string> {
    const params = parseObject(request.params ?? {}, "params");
    const call: Call = { params, owner: request.owner, signal };
    switch (request.method) {
      case "db.query":
        return this.#query(checkQuery(params["query"]), call);
      case "db.sql":
        return this.#query(checkSql(params["text"], params["params"]), call);
      case "db.begin":
        return this.#begin(call);
      case "db.commit":
        return this.#end(call, (lease) => lease.commit());
      case "db.rollback":
        return this.#end(call, (lease) => lease.rollback());
    }
    throw malformed(
      "method",
      `There is no platform call ${JSON.stringify(request.method.slice(0, 80))}`,
    );
  }

  /** Rolls back what the invocation left open. */
  ended(invocationId: string): void {
    this.#watch.forget(invocationId);
    for (const lease of this.#leases.values()) {
      if (lease.invocationId === invocationId) lease.end("its invocation is over");
    }
    this.#beginning.delete(invocationId);
  }

  close(): void {
    this.#isClosed = true;
    for (const lease of this.#leases.values()) lease.end("its instance is gone");
  }

  async #query(query: CheckedQuery, call: Call): Promise<string> {
    const { transaction } = call.params;
    const lease = transaction === undefined ? undefined : this.#leaseOf(call);
    const run = (connection: DatabaseConnection, signal: AbortSignal): Promise<QueryResult> =>
      this.#run(query, { ...call, signal }, connection);
    const result = await (lease === undefined
      ? this.#once((connection) => run(connection, call.signal))
      : lease.run((connection, over) => run(connection, AbortSignal.any([over, call.signal]))));
    return query.gives === "count" ? JSON.stringify(result.rows[0]?.[0]) : JSON.stringify(result);
  }

  async #run(
    query: CheckedQuery,
    { owner, signal }: Call,
    connection: DatabaseConnection,
  ): Promise<QueryResult> {
    const { clock, settings, log } = this.#options;
    const statement = await query.statement(connection, settings);
    const startMs = clock.monotonicMs();
    try {
      return await runStatement(connection, statement, { settings, signal });
    } finally {
      const ran = { text: statement.text, ms: clock.monotonicMs() - startMs };
      for (const said of this.#watch.ran(owner.invocationId, ran)) log("warn", said, owner);
    }
  }

  /** A connection for one statement. */
  async #once<T>(work: (connection: DatabaseConnection) => Promise<T>): Promise<T> {
    const database = this.#options.database();
    const connection = await database.acquire();
    try {
      return await work(connection);
    } finally {
      // Not waited for: the answer does not depend on it.
      void database.release(connection);
    }
  }

  async #begin({ owner }: Call): Promise<string> {
    const { clock, random, settings } = this.#options;
    const { invocationId } = owner;
    const isOpen = [...this.#leases.values()].some((lease) => lease.invocationId === invocationId);
    if (isOpen || this.#beginning.has(invocationId)) {
      throw new DatabaseError(
        "invalid_request",
        "Cannot begin a transaction: this invocation is in one already; transactions do not nest, use the one that is given to the function",
      );
    }
    this.#beginning.add(invocationId);
    try {
      const database = this.#options.database();
      const connection = await database.acquire();
      const id = `tx_${Buffer.from(random.bytes(12)).toString("base64url")}`;
      const lease = await TransactionLease.begin({
        connection,
        invocationId,
        timeoutMs: settings.transactionTimeoutMs,
        clock,
        release: async (used) => {
          this.#leases.delete(id);
          await database.release(used);
        },
      });
      this.#leases.set(id, lease);
      // It may have ended while the transaction was being begun.
      if (this.#isClosed || !this.#beginning.has(invocationId)) lease.end("its invocation is over");
      return JSON.stringify({ transaction: id });
    } finally {
      this.#beginning.delete(invocationId);
    }
  }

  async #end(call: Call, how: (lease: TransactionLease) => Promise<void>): Promise<string> {
    await how(this.#leaseOf(call));
    return "null";
  }

  /** The transaction that the call names, which must be of the same invocation. */
  #leaseOf({ params, owner }: Call): TransactionLease {
    const { transaction } = params;
    const lease = typeof transaction === "string" ? this.#leases.get(transaction) : undefined;
    if (lease !== undefined && lease.invocationId === owner.invocationId) return lease;
    throw new DatabaseError(
      "transaction_ended",
      "The transaction is over: it was committed or rolled back, by its time or with its invocation",
    );
  }
}
