import { signalOf } from "./signal-of.ts";
import type { CallOptions, Transport } from "./transport.ts";

/** A file of `schema/`. */
export interface MigrationFileInput {
  readonly name: string;
  readonly sql: string;
}

export interface QueryDatabaseInput {
  /** One statement, its values as `$1`, `$2`, …. */
  readonly sql: string;
  /** JSON values. */
  readonly params?: readonly unknown[] | undefined;
  /** Whether it may change anything; needs `database:write`. */
  readonly write?: boolean | undefined;
}

/** Calls about the project's database. */
export function databaseCalls({ api, take }: Transport) {
  return {
    listMigrations: async (options: CallOptions = {}) =>
      (await take(api.GET("/api/v1/database/migrations", signalOf(options)), options)).items,
    migrateDatabase: (files: readonly MigrationFileInput[], options: CallOptions = {}) =>
      take(
        api.POST("/api/v1/database/migrations", {
          body: { files: files.map(({ name, sql }) => ({ name, sql })) },
          ...signalOf(options),
        }),
        options,
      ),
    queryDatabase: (input: QueryDatabaseInput, options: CallOptions = {}) => {
      const { sql, params = [], write = false } = input;
      const call = api.POST("/api/v1/database/query", {
        body: { sql, params: [...params], write },
        ...signalOf(options),
      });
      return take(call, options);
    },
  };
}
