import { createRequire } from "node:module";
import type { Socket } from "node:net";

/** What a message of the server's says when it fails a statement or the connection. */
export interface PgMessageError extends Error {
  /** SQLSTATE. */
  readonly code?: string | undefined;
  /** Absent: the failure is the connection's own. */
  readonly severity?: string | undefined;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly constraint?: string | undefined;
  readonly position?: string | undefined;
}

export interface PgField {
  readonly name: string;
  readonly dataTypeID: number;
}

/** The protocol's messages that a statement is run with. */
export interface PgWire {
  readonly stream: Socket;
  parse(message: { readonly name: string; readonly text: string }): void;
  bind(message: { readonly values: readonly (string | null)[] }): void;
  describe(message: { readonly type: "P" | "S"; readonly name: string }): void;
  execute(message: { readonly rows: number }): void;
  flush(): void;
  sync(): void;
  sendCopyFail(reason: string): void;
  on(event: "parameterDescription", listener: (message: { dataTypeIDs: number[] }) => void): void;
  once(event: "readyForQuery", listener: () => void): void;
  off(event: "parameterDescription", listener: (message: { dataTypeIDs: number[] }) => void): void;
}

/** A statement that hears the server's answer, as the client hands it on. */
export interface PgStatement {
  submit(wire: PgWire): void;
  handleRowDescription(message: { readonly fields: readonly PgField[] }): void;
  handleDataRow(message: { readonly fields: readonly (string | null)[] }): void;
  handlePortalSuspended(wire: PgWire): void;
  handleCommandComplete(message: { readonly text: string }, wire: PgWire): void;
  handleEmptyQuery(wire: PgWire): void;
  handleCopyInResponse(wire: PgWire): void;
  handleCopyData(message: unknown, wire: PgWire): void;
  handleError(error: PgMessageError, wire: PgWire): void;
  handleReadyForQuery(wire: PgWire): void;
}

/** Whom a connection is made to, and as whom. */
export interface PgTarget {
  /** A folder with a Unix socket, or a host name. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password?: string | undefined;
  readonly ssl?: boolean | { readonly rejectUnauthorized: boolean } | undefined;
}

export interface PgClientOptions extends PgTarget {
  readonly application_name: string;
  readonly connectionTimeoutMillis: number;
  readonly statement_timeout?: number;
  readonly idle_in_transaction_session_timeout?: number;
  /** Settings of the session, as `postgres` takes them on its command line. */
  readonly options?: string;
}

export interface PgClient {
  readonly connection: PgWire;
  /** What a request to cancel names. */
  readonly processID: number | null;
  readonly secretKey: number | Buffer | null;
  connect(): Promise<unknown>;
  /** Runs a statement of several, by the simple protocol; for the platform's own text only. */
  query(text: string): Promise<unknown>;
  query(statement: PgStatement): PgStatement;
  /** `I` outside of a transaction, `T` in one, `E` in one that failed. */
  getTransactionStatus(): string | null;
  end(): Promise<void>;
  on(event: "error", listener: (error: Error) => void): void;
  on(event: "end", listener: () => void): void;
}

interface PgModule {
  readonly Client: new (options: PgClientOptions) => PgClient;
}

// The package has no types of its own; this file is what of it is used.
const pg: PgModule = createRequire(import.meta.url)("pg");

export function createPgClient(options: PgClientOptions): PgClient {
  return new pg.Client(options);
}
