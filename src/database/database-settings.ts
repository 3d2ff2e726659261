/** What bounds the function database; `server/config` says what each means. */
export interface DatabaseSettings {
  readonly statementTimeoutMs: number;
  readonly transactionTimeoutMs: number;
  readonly poolSize: number;
  readonly poolIdleMs: number;
  readonly resultBytesMax: number;
  readonly slowQueryMs: number;
  readonly repeatedQueriesMax: number;
}
