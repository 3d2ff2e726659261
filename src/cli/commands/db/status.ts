import { readdir } from "node:fs/promises";
import path from "node:path";
import { sha256Hex } from "../../../base/digest.ts";
import { defineCommand } from "../../command.ts";
import { describeTime } from "../../describe.ts";
import { table } from "../../table.ts";
import { readSchema } from "./read-schema.ts";

interface MigrationState {
  readonly name: string;
  readonly state: "applied" | "changed" | "missing" | "pending";
  readonly applied_at: string | null;
}

export const dbStatus = defineCommand({
  name: "db status",
  summary: "Show which migrations were applied",
  description:
    "`changed`: the file is not what was applied; `missing`: it was applied and is not in the folder. " +
    "Without the folder only what was applied is shown.",
  arguments: { folder: { summary: "Folder of the files (schema)", optional: true } },
  options: {},
  examples: [{ command: "reactor db status", summary: "Compare schema/ with the database" }],
  errors: [{ code: "permission_denied", next: "use a key with the scope database:read" }],
  async run({ output, client, cwd, signal }, args) {
    const folder = path.resolve(cwd, args.folder ?? "schema");
    const isThere = args.folder !== undefined || (await exists(folder));
    const files = isThere ? await readSchema(folder) : undefined;
    const reactor = await client();
    const applied = await reactor.listMigrations({ signal });
    const known = new Map(files?.map(({ name, sql }) => [name, sha256Hex(sql)]));
    const states: MigrationState[] = applied.map(({ name, checksum, applied_at }) => {
      const now = known.get(name);
      const state =
        files === undefined || now === checksum
          ? "applied"
          : now === undefined
            ? "missing"
            : "changed";
      return { name, state, applied_at };
    });
    const recorded = new Set(applied.map(({ name }) => name));
    const pending = [...known.keys()].filter((name) => !recorded.has(name)).toSorted();
    for (const name of pending) states.push({ name, state: "pending", applied_at: null });
    output.result(states, () => {
      if (states.length === 0) return "No migrations. Next: put *.sql files into schema/";
      const rows = states.map(({ name, state, applied_at }) => [
        name,
        state,
        applied_at === null ? "" : describeTime(applied_at),
      ]);
      return table(["MIGRATION", "STATE", "APPLIED"], rows);
    });
    if (pending.length > 0) output.note("Next: reactor db migrate");
    return undefined;
  },
});

async function exists(folder: string): Promise<boolean> {
  try {
    await readdir(folder);
    return true;
  } catch {
    // Then there is nothing to compare with; a folder that cannot be read says so when it is named.
    return false;
  }
}
