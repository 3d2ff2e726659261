/** A JSON Schema as a function reported it: only parsed, so nothing in it may be trusted. */
export type ReportedSchema = boolean | Readonly<Record<string, unknown>>;

/** What a function made with `defineFunction` takes and returns; undefined: not known. */
export interface FunctionSchemas {
  readonly input: ReportedSchema | undefined;
  readonly output: ReportedSchema | undefined;
}
