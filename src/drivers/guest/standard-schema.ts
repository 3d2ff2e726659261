import type { StandardSchema } from "../../../sdk/index.ts";

/** Whether a value follows the Standard Schema specification, as validators of libraries do. */
export function isStandardSchema(schema: unknown): schema is StandardSchema {
  const holder = typeof schema === "object" || typeof schema === "function" ? schema : null;
  return holder !== null && "~standard" in holder;
}
