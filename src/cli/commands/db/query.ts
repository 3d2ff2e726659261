import { ClientError } from "../../../client/client-error.ts";
import { defineCommand } from "../../command.ts";
import { table } from "../../table.ts";
import { UsageError } from "../../usage-error.ts";

const statementBytesMax = 512 * 1024;

export const dbQuery = defineCommand({
  name: "db query",
  summary: "Run one statement in the project's database",
  description:
    "Without --write it cannot change anything. At most 5000 rows; `-` reads the statement from stdin.",
  arguments: { sql: { summary: "One statement, its values as $1, $2, …; - for stdin" } },
  options: {
    param: { summary: "A value as JSON, or text; several times", value: "value", many: true },
    write: { summary: "The statement may change the database" },
  },
  examples: [
    {
      command: 'reactor db query "select * from todos where done = $1" --param false',
      summary: "Read rows",
    },
    {
      command: 'reactor db query --write "delete from todos where done"',
      summary: "Change them",
    },
  ],
  errors: [
    {
      code: "permission_denied",
      next: "use a key with the scope database:read, or database:write for --write",
    },
  ],
  async run({ output, client, signal, readStdin }, args, options) {
    const sql =
      args.sql === "-" ? Buffer.from(await readStdin(statementBytesMax)).toString() : args.sql;
    if (sql.trim() === "") throw new UsageError("The statement is empty");
    const reactor = await client();
    const params = options.param.map(parameterOf);
    const statement = { sql, params, write: options.write };
    const result = await reactor.queryDatabase(statement, { signal }).catch((error: unknown) => {
      // PostgreSQL's sentence does not know of the option.
      if (error instanceof ClientError && error.message.includes("read-only transaction")) {
        output.note("A statement that changes something needs --write");
      }
      throw error;
    });
    output.result(result, () => {
      const { columns, rows, count } = result;
      if (columns.length === 0) return `${count} ${count === 1 ? "row" : "rows"} changed`;
      return table(
        [...columns],
        rows.map((row) => row.map(cellText)),
      );
    });
    return undefined;
  },
});

/** JSON where it is some, else the text itself. */
function parameterOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A plain word needs no quotes of JSON's around those of the shell.
    return text;
  }
}

function cellText(cell: unknown): string {
  if (cell === null) return "";
  return typeof cell === "string" ? cell : JSON.stringify(cell);
}
