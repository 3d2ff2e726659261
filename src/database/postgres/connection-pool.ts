import type { Clock, Timer } from "../../base/clock.ts";
import { DatabaseError } from "../database-error.ts";
import type { DatabaseConnection } from "./database-connection.ts";

export interface ConnectionPoolOptions {
  readonly open: () => Promise<DatabaseConnection>;
  readonly connectionsMax: number;
  /** How long a caller waits for a connection at most. */
  readonly waitMs: number;
  /** How long a connection that nobody uses is kept. */
  readonly idleMs: number;
  readonly clock: Clock;
}

/** Callers that wait at once; more are refused. */
const waitersMax = 1000;

interface Waiter {
  readonly resolve: (connection: DatabaseConnection) => void;
  readonly reject: (error: Error) => void;
}

interface Idle {
  readonly connection: DatabaseConnection;
  readonly timer: Timer;
}

/** The connections of one project: bounded, handed out oldest waiter first, as new each time. */
export class ConnectionPool {
  readonly #options: ConnectionPoolOptions;
  readonly #idle: Idle[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly #live = new Set<DatabaseConnection>();
  /** Live ones and those that are being opened. */
  #count = 0;
  #isClosed = false;

  constructor(options: ConnectionPoolOptions) {
    this.#options = options;
  }

  /** A connection that is this caller's alone until `release`. */
  acquire(): Promise<DatabaseConnection> {
    if (this.#isClosed) return Promise.reject(closed());
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      idle.timer.cancel();
      if (!idle.connection.isClosed) return Promise.resolve(idle.connection);
    }
    if (this.#waiters.size >= waitersMax) {
      return Promise.reject(busy(`${waitersMax} queries wait for one already`));
    }
    const waiting = this.#wait();
    if (this.#count < this.#options.connectionsMax) void this.#open();
    return waiting;
  }

  /** Gives the connection back; it is reset before anybody else gets it. */
  async release(connection: DatabaseConnection): Promise<void> {
    await connection.reset();
    if (connection.isClosed) return;
    if (this.#isClosed) await connection.end();
    else this.#offer(connection);
  }

  /** Ends every connection, those in use as well, and refuses whoever waits. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#refuse(closed());
    for (const { timer } of this.#idle.splice(0)) timer.cancel();
    await Promise.all([...this.#live].map((connection) => connection.end()));
  }

  #wait(): Promise<DatabaseConnection> {
    const { clock, waitMs, connectionsMax } = this.#options;
    return new Promise((resolve, reject) => {
      const settled = (): void => {
        late.cancel();
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        resolve: (connection) => {
          settled();
          resolve(connection);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      };
      const late = clock.after(waitMs, () =>
        waiter.reject(busy(`none of ${connectionsMax} came free within ${waitMs} ms`)),
      );
      this.#waiters.add(waiter);
    });
  }

  async #open(): Promise<void> {
    this.#count += 1;
    let connection: DatabaseConnection;
    try {
      connection = await this.#options.open();
    } catch (error) {
      this.#count -= 1;
      // Those who wait for others to come free go on waiting; without any there is nothing to wait for.
      if (this.#count === 0)
        this.#refuse(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#live.add(connection);
    connection.whenClosed(() => {
      this.#live.delete(connection);
      this.#count -= 1;
      if (this.#waiters.size > 0 && !this.#isClosed) void this.#open();
    });
    if (this.#isClosed) await connection.end();
    else this.#offer(connection);
  }

  #offer(connection: DatabaseConnection): void {
    const [waiter] = this.#waiters;
    if (waiter !== undefined) {
      waiter.resolve(connection);
      return;
    }
    const { clock, idleMs } = this.#options;
    const timer = clock.after(idleMs, () => {
      const at = this.#idle.findIndex((idle) => idle.connection === connection);
      if (at === -1) return;
      this.#idle.splice(at, 1);
      void connection.end();
    });
    this.#idle.push({ connection, timer });
  }

  #refuse(error: Error): void {
    for (const waiter of this.#waiters) waiter.reject(error);
  }
}

function busy(why: string): DatabaseError {
  return new DatabaseError("too_many_requests", `No connection to the database is free: ${why}`);
}

function closed(): DatabaseError {
  return new DatabaseError(
    "database_unavailable",
    "The database is closed: the server is stopping",
  );
}
