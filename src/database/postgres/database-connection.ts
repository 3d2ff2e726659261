import { connect } from "node:net";
import type { Clock } from "../../base/clock.ts";
import { createDeferred } from "../../base/deferred.ts";
import { DatabaseError, malformed } from "../database-error.ts";
import type { Statement } from "../query/build-statement.ts";
import {
  CappedStatement,
  type RawResult,
  type StatementFailure,
  type StatementLimits,
} from "./capped-statement.ts";
import { failureOf } from "./failure-of.ts";
import { createPgClient, type PgClient, type PgTarget } from "./pg-client.ts";

const connectTimeoutMs = 10_000;
/** How long the server has to cancel a statement before its connection is given up. */
const cancelMs = 1000;
/** CancelRequest of the protocol. */
const cancelCode = 80_877_102;

export interface ConnectionOptions {
  readonly target: PgTarget;
  readonly clock: Clock;
  readonly statementTimeoutMs: number;
  readonly transactionTimeoutMs: number;
  /** Ends the server's side of a connection that does not let itself be cancelled. */
  readonly terminate: (processId: number) => void;
}

type Outcome = RawResult | StatementFailure | { readonly kind: "stuck" | "closed" };

export interface RunOptions {
  readonly limits: StatementLimits;
  /** Cancels the statement at the server. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * One session of a project's login. Statements run one at a time. A session that did not end a
 * statement properly is destroyed, which rolls back what it had not committed.
 */
export class DatabaseConnection {
  readonly #client: PgClient;
  readonly #options: ConnectionOptions;
  #isClosed = false;
  /** A request to cancel may arrive after its statement, and then hits the next one. */
  #mayBeCancelled = false;
  readonly #onClosed: (() => void)[] = [];
  /** Settles the statement that runs when the connection is closed under it. */
  #interrupt: (() => void) | undefined;

  private constructor(client: PgClient, options: ConnectionOptions) {
    this.#client = client;
    this.#options = options;
    client.on("end", () => this.#closed());
    // The statement that runs, if any, has heard of it.
    client.on("error", () => this.destroy());
  }

  /** Connects. Rejects with DatabaseError `database_unavailable`. */
  static async open(options: ConnectionOptions): Promise<DatabaseConnection> {
    const { target, statementTimeoutMs, transactionTimeoutMs } = options;
    const client = createPgClient({
      ...target,
      application_name: "reactor",
      connectionTimeoutMillis: connectTimeoutMs,
      statement_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: transactionTimeoutMs,
      // Texts of values must not depend on how the server or the role is set up.
      options:
        "-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=postgres -c extra_float_digits=1 -c bytea_output=hex -c client_connection_check_interval=1000",
    });
    const connection = new DatabaseConnection(client, options);
    try {
      await client.connect();
    } catch (error) {
      connection.destroy();
      const cause = error instanceof Error ? error : new Error(String(error));
      const sqlstate = "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
      const message = `Cannot connect to the database: ${cause.message}`;
      throw new DatabaseError("database_unavailable", message, { sqlstate }, { cause });
    }
    return connection;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether it is in a transaction, a failed one included. */
  get isInTransaction(): boolean {
    const status = this.#client.getTransactionStatus();
    return status === "T" || status === "E";
  }

  /** Calls back once it is closed. */
  whenClosed(callback: () => void): void {
    if (this.#isClosed) callback();
    else this.#onClosed.push(callback);
  }

  /** Runs one statement. Rejects with DatabaseError; for its size only after destroying the session. */
  async run(statement: Statement, { limits, signal }: RunOptions): Promise<RawResult> {
    if (this.#isClosed) throw gone();
    if (signal?.aborted) throw givenUp();
    const outcome = await this.#submit(statement, limits, signal);
    if (!("kind" in outcome)) return outcome;
    const timeoutMs = this.#options.statementTimeoutMs;
    switch (outcome.kind) {
      case "server":
        throw signal?.aborted ? givenUp(outcome.error) : failureOf(outcome.error, timeoutMs);
      case "stuck":
        this.destroy();
        throw new DatabaseError(
          "query_timeout",
          `The query was ended with its connection: it may run for ${timeoutMs} ms (database.statement_timeout_ms) and did not stop`,
        );
      case "closed":
        throw gone();
      case "copy":
        throw malformed(
          "text",
          "COPY is not for functions: use insert, whose data may be an array",
        );
      case "rows":
      case "bytes":
        this.#terminate();
        this.destroy();
        throw tooLarge(outcome.kind, limits);
    }
  }

  /** Runs text of the platform's own. */
  async command(text: string): Promise<void> {
    if (this.#isClosed) throw gone();
    try {
      await this.#client.query(text);
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error));
      throw failureOf(cause, this.#options.statementTimeoutMs);
    }
  }

  /** Makes the session as new for its next user; destroys it when that fails. */
  async reset(): Promise<void> {
    if (this.#mayBeCancelled) this.destroy();
    if (this.#isClosed) return;
    const late = this.#options.clock.after(cancelMs * 5, () => {
      this.#terminate();
      this.destroy();
    });
    try {
      if (this.isInTransaction) await this.command("ROLLBACK");
      await this.command("DISCARD ALL");
    } catch {
      // Whatever the reason, a session in an unknown state has no next user.
      this.destroy();
    } finally {
      late.cancel();
    }
  }

  /** Closes politely. */
  async end(): Promise<void> {
    if (this.#isClosed) return;
    const late = this.#options.clock.after(cancelMs, () => this.destroy());
    const closed = new Promise<void>((resolve) => this.whenClosed(resolve));
    // It rejects when the server is gone already, which ends it as well.
    this.#client.end().catch(() => this.destroy());
    await closed;
    late.cancel();
  }

  /** Closes at once; what was not committed is rolled back by the server. */
  destroy(): void {
    this.#client.connection.stream.destroy();
    this.#closed();
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#interrupt?.();
    for (const callback of this.#onClosed) callback();
  }

  #submit(
    statement: Statement,
    limits: StatementLimits,
    signal: AbortSignal | undefined,
  ): Promise<Outcome> {
    const { clock, statementTimeoutMs } = this.#options;
    const { stream } = this.#client.connection;
    const deferred = createDeferred<Outcome>();
    const resolve = (outcome: Outcome): void => deferred.resolve(outcome);
    const run = new CappedStatement({ ...statement, limits, settle: resolve });
    const cancel = (): void => {
      this.#requestCancel();
      timer.cancel();
      timer = clock.after(cancelMs, () => {
        this.#terminate();
        resolve({ kind: "stuck" });
      });
    };
    // The server has its own timeout, which a statement can switch off.
    let timer = clock.after(statementTimeoutMs + cancelMs, cancel);
    let receivedBytes = 0;
    // A message is only handed on when it is complete, and one row can be a gigabyte.
    const count = (chunk: Buffer): void => {
      receivedBytes += chunk.length;
      if (receivedBytes > limits.bytesMax * 2 + 65_536) run.overflow();
    };
    stream.on("data", count);
    signal?.addEventListener("abort", cancel, { once: true });
    this.#interrupt = () => resolve({ kind: "closed" });
    this.#client.query(run);
    return deferred.promise.finally(() => {
      timer.cancel();
      signal?.removeEventListener("abort", cancel);
      stream.off("data", count);
      this.#interrupt = undefined;
    });
  }

  /** Asks the server, by a connection of its own, to cancel what runs here. */
  #requestCancel(): void {
    this.#mayBeCancelled = true;
    const { processID, secretKey } = this.#client;
    const { host, port, ssl } = this.#options.target;
    if (processID === null || typeof secretKey !== "number" || (ssl ?? false) !== false) {
      this.#terminate();
      return;
    }
    const request = Buffer.alloc(16);
    request.writeInt32BE(16, 0);
    request.writeInt32BE(cancelCode, 4);
    request.writeInt32BE(processID, 8);
    request.writeInt32BE(secretKey, 12);
    const socket = host.startsWith("/") ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
    // When it cannot be asked, the connection is given up a moment later.
    socket.on("error", () => socket.destroy());
    socket.end(request);
  }

  #terminate(): void {
    const { processID } = this.#client;
    if (processID !== null) this.#options.terminate(processID);
  }
}

function gone(): DatabaseError {
  return new DatabaseError("database_unavailable", "The connection to the database ended");
}

function givenUp(cause?: Error): DatabaseError {
  const message = "The query was given up: its invocation is over";
  return new DatabaseError("query_timeout", message, {}, { cause });
}

function tooLarge(kind: "rows" | "bytes", limits: StatementLimits): DatabaseError {
  const what =
    kind === "rows"
      ? `more than ${limits.rowsMax} rows`
      : `more than ${limits.bytesMax} bytes (database.result_max_bytes)`;
  return new DatabaseError(
    "result_too_large",
    `The result has ${what}: nothing of it is returned and nothing was changed; ask for less at once, with limit and offset`,
  );
}
