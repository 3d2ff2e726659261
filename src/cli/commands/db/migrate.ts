import path from "node:path";
import { defineCommand } from "../../command.ts";
import { readSchema } from "./read-schema.ts";

export const dbMigrate = defineCommand({
  name: "db migrate",
  summary: "Apply the project's migrations that were not applied yet",
  description:
    "The files `*.sql` of the folder, in the order of the number at the beginning of their names, " +
    "each in a transaction of its own. A file that was applied must not change any more.",
  arguments: { folder: { summary: "Folder of the files (schema)", optional: true } },
  options: {},
  examples: [{ command: "reactor db migrate", summary: "Apply what is new in schema/" }],
  errors: [
    { code: "conflict", next: "reactor db status" },
    { code: "permission_denied", next: "use a key with the scope database:write" },
  ],
  async run({ output, client, cwd, signal }, args) {
    const files = await readSchema(path.resolve(cwd, args.folder ?? "schema"));
    const reactor = await client();
    const progress = output.progress("Migrating …");
    const outcome = await reactor.migrateDatabase(files, { signal }).finally(() => progress.end());
    output.result(outcome, () => {
      const { applied, present } = outcome;
      if (applied.length === 0) return `Nothing to apply: ${present} were applied before`;
      return `Applied ${applied.join(", ")}`;
    });
    return undefined;
  },
});
