import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { DatabaseError } from "../database-error.ts";
import { programEnvironment } from "./cluster-folder.ts";
import type { PgTarget } from "./pg-client.ts";
import type { ProgramStarter } from "./program-starter.ts";

/** A program that comes with PostgreSQL, and what it is told. */
export interface PostgresTool {
  readonly name: "pg_dump" | "pg_restore";
  readonly target: PgTarget;
  readonly args: readonly string[];
  /** Ends it. */
  readonly signal: AbortSignal;
}

const outputLinesMax = 20;

/**
 * Runs it to its end, as the server's own user. Throws `database_unavailable` with its last words, or
 * with what to install when it is not there.
 */
export async function runPostgresTool(
  { programs, folder }: { readonly programs: ProgramStarter; readonly folder: string },
  { name, target, args, signal }: PostgresTool,
): Promise<void> {
  const file = join(folder, name);
  requireTool(file, name);
  signal.throwIfAborted();
  const output: string[] = [];
  const { host, port, user, database, password } = target;
  const program = programs.start({
    file,
    args: ["-h", host, "-p", String(port), "-U", user, "-d", database, "--no-password", ...args],
    // Not as an argument, which every user of the machine can read.
    env: { ...programEnvironment, ...(password === undefined ? {} : { PGPASSWORD: password }) },
    user: undefined,
    descriptors: [],
    onLine: (line) => {
      output.push(line);
      if (output.length > outputLinesMax) output.shift();
    },
  });
  const kill = (): void => program.signal("SIGKILL");
  signal.addEventListener("abort", kill);
  const end = await program.ended;
  signal.removeEventListener("abort", kill);
  signal.throwIfAborted();
  if (end.code === 0) return;
  const how = end.error ?? end.signal ?? `exit code ${end.code}`;
  throw new DatabaseError(
    "database_unavailable",
    `${name} failed on database "${database}" (${how}): ${output.join(" ").slice(-600)}`,
  );
}

function requireTool(file: string, name: string): void {
  try {
    accessSync(file, constants.X_OK);
  } catch (cause) {
    throw new DatabaseError(
      "database_unavailable",
      `There is no ${name} at "${file}": install the client programs of the same PostgreSQL (apt-get install postgresql-client)`,
      {},
      { cause },
    );
  }
}
