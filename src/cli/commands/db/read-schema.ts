import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { MigrationFileInput } from "../../../client/database-calls.ts";
import { UsageError } from "../../usage-error.ts";

/** The `*.sql` files of a folder; UsageError when there is no such folder. */
export async function readSchema(folder: string): Promise<readonly MigrationFileInput[]> {
  let names: string[];
  try {
    names = (await readdir(folder)).filter((name) => name.endsWith(".sql"));
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code !== "ENOENT" && code !== "ENOTDIR") throw cause;
    throw new UsageError(
      `There is no folder ${folder}; name the one with the migrations, or make it: mkdir schema`,
    );
  }
  return Promise.all(
    names.map(async (name) => ({ name, sql: await readFile(path.join(folder, name), "utf8") })),
  );
}
