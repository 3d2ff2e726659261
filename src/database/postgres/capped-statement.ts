import { dependsOnType, type Parameter, parameterText } from "../query/parameter.ts";
import type { PgField, PgMessageError, PgStatement, PgWire } from "./pg-client.ts";

export interface StatementLimits {
  readonly rowsMax: number;
  readonly bytesMax: number;
}

/** What a statement gave, its cells as PostgreSQL writes them. */
export interface RawResult {
  readonly fields: readonly PgField[];
  readonly rows: readonly (readonly (string | null)[])[];
  /** What was done, such as `UPDATE 3`. */
  readonly tag: string;
}

/** Why a statement gave nothing. */
export type StatementFailure =
  | { readonly kind: "server"; readonly error: PgMessageError }
  /** More than its limits allow, or a COPY, which needs another protocol. */
  | { readonly kind: "rows" | "bytes" | "copy" };

/**
 * One statement by the extended protocol, which knows no second one after a semicolon. It is
 * answered in two steps: the transaction around it is only committed (`sync`) when the result is
 * within its limits, so that what is refused for its size has changed nothing.
 *
 *   submitted --(describe)--> executing --complete--> syncing --ready--> done
 *   any --error--> syncing;  executing --over a limit--> given up: the connection must be destroyed
 */
export class CappedStatement implements PgStatement {
  readonly #text: string;
  readonly #values: readonly Parameter[];
  readonly #limits: StatementLimits;
  readonly #settle: (outcome: RawResult | StatementFailure) => void;
  readonly #rows: (readonly (string | null)[])[] = [];
  #fields: readonly PgField[] = [];
  #tag = "";
  #bytes = 0;
  #isCopy = false;
  #failure: StatementFailure | undefined;
  #describing: (() => void) | undefined;

  constructor(options: {
    readonly text: string;
    readonly values: readonly Parameter[];
    readonly limits: StatementLimits;
    /** Called once. A failure for a limit leaves the connection in the middle of the statement. */
    readonly settle: (outcome: RawResult | StatementFailure) => void;
  }) {
    this.#text = options.text;
    this.#values = options.values;
    this.#limits = options.limits;
    this.#settle = options.settle;
  }

  submit(wire: PgWire): void {
    // Its messages leave in one packet.
    wire.stream.cork();
    this.#submit(wire);
    wire.stream.uncork();
  }

  /** More bytes of it came than its limit allows, rows or not. */
  overflow(): void {
    this.#giveUp({ kind: "bytes" });
  }

  #submit(wire: PgWire): void {
    wire.parse({ name: "", text: this.#text });
    if (!this.#values.some(dependsOnType)) {
      this.#execute(wire, undefined);
      return;
    }
    const described = ({ dataTypeIDs }: { readonly dataTypeIDs: readonly number[] }): void => {
      this.#describing?.();
      this.#execute(wire, dataTypeIDs);
    };
    this.#describing = () => {
      wire.off("parameterDescription", described);
      this.#describing = undefined;
    };
    wire.on("parameterDescription", described);
    wire.describe({ type: "S", name: "" });
    wire.flush();
  }

  #execute(wire: PgWire, types: readonly number[] | undefined): void {
    const values = this.#values.map((value, at) => parameterText(value, types?.[at]));
    wire.bind({ values });
    wire.describe({ type: "P", name: "" });
    // One more than is passed on tells a full result from one that goes on.
    wire.execute({ rows: this.#limits.rowsMax + 1 });
    wire.flush();
  }

  handleRowDescription({ fields }: { readonly fields: readonly PgField[] }): void {
    this.#fields = fields;
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    if (this.#failure !== undefined) return;
    for (const cell of fields) this.#bytes += 8 + (cell?.length ?? 0);
    this.#rows.push(fields);
    if (this.#bytes > this.#limits.bytesMax) this.#giveUp({ kind: "bytes" });
    else if (this.#rows.length > this.#limits.rowsMax) this.#giveUp({ kind: "rows" });
  }

  handlePortalSuspended(): void {
    this.#giveUp({ kind: "rows" });
  }

  handleCommandComplete({ text }: { readonly text: string }, wire: PgWire): void {
    this.#tag = text;
    this.#sync(wire);
  }

  handleEmptyQuery(wire: PgWire): void {
    this.#sync(wire);
  }

  handleCopyInResponse(wire: PgWire): void {
    this.#isCopy = true;
    wire.sendCopyFail("COPY needs a connection of its own, which functions do not have");
  }

  handleCopyData(message: unknown): void {
    this.#isCopy = true;
    const length =
      typeof message === "object" && message !== null && "length" in message ? message.length : 0;
    this.#bytes += typeof length === "number" ? length : 0;
    if (this.#bytes > this.#limits.bytesMax) this.#giveUp({ kind: "bytes" });
  }

  handleError(error: PgMessageError, wire: PgWire): void {
    this.#describing?.();
    if (this.#failure !== undefined) return;
    this.#failure = this.#isCopy ? { kind: "copy" } : { kind: "server", error };
    const failure = this.#failure;
    // A failure of the connection itself is not followed by anything; after one of the statement the
    // server says in which state that left the transaction.
    if (wire.stream.destroyed || error.severity === undefined) this.#settle(failure);
    else {
      wire.once("readyForQuery", () => this.#settle(failure));
      wire.sync();
    }
  }

  handleReadyForQuery(): void {
    if (this.#failure !== undefined) return;
    if (this.#isCopy || this.#tag.startsWith("COPY ")) this.#settle({ kind: "copy" });
    else this.#settle({ fields: this.#fields, rows: this.#rows, tag: this.#tag });
  }

  #sync(wire: PgWire): void {
    if (this.#failure === undefined) wire.sync();
  }

  #giveUp(failure: StatementFailure): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#rows.length = 0;
    this.#settle(failure);
  }
}
