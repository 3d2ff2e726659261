import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { DatabaseError } from "./database-error.ts";
import type { DatabaseSettings } from "./database-settings.ts";
import { ConnectionPool } from "./postgres/connection-pool.ts";
import { DatabaseConnection } from "./postgres/database-connection.ts";
import type { PgTarget } from "./postgres/pg-client.ts";
import { projectLogin, provisionProject, withClient } from "./postgres/provision-project.ts";
import { scramVerifier } from "./postgres/scram-verifier.ts";

/** Where the server is, as one who may make databases and logins. Starts it when that is Reactor's. */
export type AdminTarget = () => Promise<PgTarget>;

export interface ProjectDatabaseOptions {
  readonly projectId: string;
  readonly admin: AdminTarget;
  readonly settings: DatabaseSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** How long a query waits for a connection, the start of the server included. */
const waitMs = 30_000;
/** How long a server that is between its end and its next start is waited for, and how often. */
const restartMs = 15_000;
const retryMs = 50;

const unknownLogin: ReadonlySet<string> = new Set(["28P01", "28000", "3D000"]);
/** Nobody listens, or PostgreSQL says that it is starting or stopping. */
const restarting: ReadonlySet<string> = new Set(["ECONNREFUSED", "ENOENT", "57P03"]);

/**
 * The database of one project and its connections. The login's password is drawn when the server
 * first needs it, set at the database and kept in memory only, so there is none to steal.
 */
export class ProjectDatabase {
  readonly #options: ProjectDatabaseOptions;
  readonly #login: string;
  readonly #pool: ConnectionPool;
  #provisioned: Promise<string> | undefined;

  constructor(options: ProjectDatabaseOptions) {
    const { settings, clock, projectId } = options;
    this.#options = options;
    this.#login = projectLogin(projectId);
    this.#pool = new ConnectionPool({
      open: () => this.#open(),
      connectionsMax: settings.poolSize,
      waitMs,
      idleMs: settings.poolIdleMs,
      clock,
    });
  }

  get settings(): DatabaseSettings {
    return this.#options.settings;
  }

  /** A session that is the caller's alone until `release`. */
  acquire(): Promise<DatabaseConnection> {
    return this.#pool.acquire();
  }

  release(connection: DatabaseConnection): Promise<void> {
    return this.#pool.release(connection);
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  async #open(): Promise<DatabaseConnection> {
    const { clock } = this.#options;
    const untilMs = clock.monotonicMs() + restartMs;
    let isFresh = false;
    for (;;) {
      const used = this.#provisioned;
      try {
        return await this.#connect();
      } catch (error) {
        const code = error instanceof DatabaseError ? (error.facts.sqlstate ?? "") : "";
        if (unknownLogin.has(code) && !isFresh) {
          // The login may have changed its own password, or the server been exchanged. Of several
          // that find this out at once only the first may draw a password: the others use it.
          isFresh = used === undefined;
          if (this.#provisioned === used) this.#provisioned = undefined;
        } else if (restarting.has(code) && clock.monotonicMs() < untilMs) {
          await clock.sleep(retryMs);
        } else {
          throw error;
        }
      }
    }
  }

  async #connect(): Promise<DatabaseConnection> {
    const { admin, settings, clock } = this.#options;
    const target = await admin();
    this.#provisioned ??= this.#provision(target).catch((error: unknown) => {
      this.#provisioned = undefined;
      throw error;
    });
    const password = await this.#provisioned;
    return DatabaseConnection.open({
      target: { ...target, user: this.#login, database: this.#login, password },
      clock,
      statementTimeoutMs: settings.statementTimeoutMs,
      transactionTimeoutMs: settings.transactionTimeoutMs,
      terminate: (processId) => void this.#terminate(processId),
    });
  }

  async #provision(admin: PgTarget): Promise<string> {
    const { random, settings } = this.#options;
    const password = Buffer.from(random.bytes(32)).toString("base64url");
    const verifier = scramVerifier(password, random.bytes(16));
    await provisionProject({ admin, login: this.#login, verifier, poolSize: settings.poolSize });
    return password;
  }

  async #terminate(processId: number): Promise<void> {
    try {
      const admin = await this.#options.admin();
      await withClient(admin, (client) =>
        client.query(`SELECT pg_terminate_backend(${processId})`),
      );
    } catch (error) {
      this.#options.log.warn("Cannot end a session of the function database", {
        processId,
        error: String(error),
      });
    }
  }
}
