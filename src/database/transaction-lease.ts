import type { Clock, Timer } from "../base/clock.ts";
import { DatabaseError } from "./database-error.ts";
import type { DatabaseConnection } from "./postgres/database-connection.ts";

const limits = { rowsMax: 0, bytesMax: 65_536 };

export interface TransactionLeaseOptions {
  readonly connection: DatabaseConnection;
  readonly invocationId: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Takes the connection back, once. */
  readonly release: (connection: DatabaseConnection) => Promise<void>;
}

/**
 * A transaction of one invocation on a connection of its own. Its statements run one after another.
 *
 *   open --commit--> over;  open --rollback, end of the invocation, time--> over
 */
export class TransactionLease {
  readonly invocationId: string;
  readonly #options: TransactionLeaseOptions;
  readonly #timer: Timer;
  readonly #aborting = new AbortController();
  #turn: Promise<unknown> = Promise.resolve();
  /** Why it is over; undefined while it is open. */
  #over: string | undefined;

  private constructor(options: TransactionLeaseOptions) {
    const { clock, timeoutMs } = options;
    this.#options = options;
    this.invocationId = options.invocationId;
    this.#timer = clock.after(timeoutMs, () =>
      this.end(`it was open for ${timeoutMs} ms (database.transaction_timeout_ms)`),
    );
  }

  /** Begins it; gives the connection back when that fails. */
  static async begin(options: TransactionLeaseOptions): Promise<TransactionLease> {
    try {
      await options.connection.run({ text: "BEGIN", values: [] }, { limits });
    } catch (error) {
      await options.release(options.connection);
      throw error;
    }
    return new TransactionLease(options);
  }

  get isOver(): boolean {
    return this.#over !== undefined;
  }

  /** Does work in the transaction when its turn comes. */
  run<T>(work: (connection: DatabaseConnection, signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      const { connection } = this.#options;
      this.#requireOpen();
      try {
        return await work(connection, this.#aborting.signal);
      } catch (error) {
        // Its connection was lost with the statement, and the transaction with that.
        if (connection.isClosed) this.#finish("its connection ended");
        throw error;
      } finally {
        // Some function of the database's own may have ended it.
        if (!connection.isInTransaction) this.#finish("a statement ended it");
      }
    });
  }

  /** Commits; rejects when it was rolled back instead, as it is after a statement that failed. */
  commit(): Promise<void> {
    return this.#inTurn(async () => {
      this.#requireOpen();
      try {
        const { tag } = await this.#options.connection.run(
          { text: "COMMIT", values: [] },
          { limits },
        );
        if (tag === "COMMIT") return;
        throw new DatabaseError(
          "transaction_ended",
          "The transaction was rolled back and not committed: a statement in it had failed",
        );
      } finally {
        this.#finish("it is committed or rolled back already");
      }
    });
  }

  /** Rolls back; does nothing when it is over. */
  rollback(): Promise<void> {
    return this.#inTurn(() => {
      this.#finish("it is rolled back");
      return Promise.resolve();
    });
  }

  /** Ends it at once, the statement that runs included; what was not committed is rolled back. */
  end(why: string): void {
    if (this.isOver) return;
    this.#aborting.abort();
    void this.#inTurn(() => {
      this.#finish(why);
      return Promise.resolve();
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    // Whoever asked hears of a failure; the next turn comes all the same.
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  #requireOpen(): void {
    if (this.#over === undefined) return;
    throw new DatabaseError("transaction_ended", `The transaction is over: ${this.#over}`);
  }

  #finish(why: string): void {
    if (this.isOver) return;
    this.#over = why;
    this.#timer.cancel();
    // Resetting the connection rolls back.
    void this.#options.release(this.#options.connection);
  }
}
