import { ReactorError } from "../../../src/domain/errors.ts";

export function requireNew<T>(
  table: Map<string, T>,
  same: (other: T) => boolean,
  columns: string,
): void {
  for (const other of table.values()) {
    if (same(other)) {
      const details = { columns: columns.split(", ") };
      throw new ReactorError("conflict", `another row has the same ${columns}`, { details });
    }
  }
}

export function requireKnown(table: ReadonlyMap<string, unknown>, id: string): void {
  if (table.has(id)) return;
  throw new ReactorError("conflict", `what it belongs to does not exist: ${id}`);
}
