import type {
  CountQuery,
  DatabaseQueries,
  DatabaseRow,
  DatabaseValue,
  FunctionDatabase,
  RowsQuery,
} from "../../../sdk/index.ts";
import type { CallOwner, CallPlatform } from "./call-platform.ts";
import { encodeDatabaseValue } from "./encode-database-value.ts";

/** What the platform gives for rows: names once, then cells; see `decode-result.ts` of the server. */
interface RowsMessage {
  readonly columns: readonly string[];
  readonly bytes: readonly number[];
  readonly rows: readonly (readonly unknown[])[];
}

/** `ctx.db` of one invocation. Members may be destructured. */
export function createFunctionDatabase(call: CallPlatform, owner: CallOwner): FunctionDatabase {
  const queries = (transaction: string | undefined): DatabaseQueries => {
    const ask = (method: string, params: object): Promise<unknown> =>
      call(method, { ...params, transaction }, owner);
    async function query(query: CountQuery): Promise<number>;
    async function query<Row>(query: RowsQuery): Promise<Row[]>;
    async function query(query: CountQuery | RowsQuery): Promise<unknown> {
      const result = await ask("db.query", { query: encodeQuery(query) });
      return typeof result === "number" ? result : rowsOf(result as RowsMessage);
    }
    return {
      query,
      async sql<Row>(text: string, params: readonly DatabaseValue[] = []): Promise<Row[]> {
        const values = Array.isArray(params) ? params.map(encodeParameter) : params;
        return rowsOf((await ask("db.sql", { text, params: values })) as RowsMessage) as Row[];
      },
    };
  };
  return {
    ...queries(undefined),
    async transaction<T>(work: (transaction: DatabaseQueries) => PromiseLike<T> | T): Promise<T> {
      const begun = (await call("db.begin", {}, owner)) as { readonly transaction: string };
      const { transaction } = begun;
      const nested = (): never => {
        throw new Error("Cannot begin a transaction in a transaction: they do not nest");
      };
      let result: T;
      try {
        const given: DatabaseQueries = Object.assign(queries(transaction), { transaction: nested });
        result = await work(given);
      } catch (error) {
        // What the work threw is what counts, also when there is nothing left to roll back.
        await call("db.rollback", { transaction }, owner).catch(() => undefined);
        throw error;
      }
      await call("db.commit", { transaction }, owner);
      return result;
    },
  };
}

function encodeParameter(value: unknown, at: number): unknown {
  if (value === undefined) throw new TypeError(`params[${at}] is undefined: use null`);
  return encodeDatabaseValue(value, `params[${at}]`);
}

/** The query with its values as they travel; whatever else is wrong with it the platform says. */
function encodeQuery(query: unknown): unknown {
  if (typeof query !== "object" || query === null) return query;
  const { filters, data, ...rest }: Record<string, unknown> = { ...query };
  return { ...rest, filters: encodeFilters(filters), data: encodeData(data) };
}

function encodeFilters(filters: unknown): unknown {
  if (!Array.isArray(filters)) return filters;
  return filters.map((filter: unknown, at) => {
    if (typeof filter !== "object" || filter === null || !("value" in filter)) return filter;
    return { ...filter, value: encodeDatabaseValue(filter.value, `filters[${at}].value`) };
  });
}

function encodeData(data: unknown): unknown {
  if (Array.isArray(data)) return data.map((row, at) => encodeRow(row, `data[${at}]`));
  return encodeRow(data, "data");
}

function encodeRow(row: unknown, field: string): unknown {
  if (typeof row !== "object" || row === null) return row;
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      encodeDatabaseValue(value, `${field}.${name}`),
    ]),
  );
}

function rowsOf({ columns, bytes, rows }: RowsMessage): DatabaseRow[] {
  return rows.map((cells) => {
    const row: DatabaseRow = {};
    for (const [at, name] of columns.entries()) {
      const cell = cells[at];
      const value = bytes.includes(at) && typeof cell === "string" ? bytesOf(cell) : cell;
      // An assignment to this one name would set the row's prototype.
      if (name !== "__proto__") row[name] = value;
      else Object.defineProperty(row, name, { value, enumerable: true, writable: true });
    }
    return row;
  });
}

function bytesOf(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, "base64"));
}
