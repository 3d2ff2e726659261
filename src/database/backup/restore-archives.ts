import type { Random } from "../../base/random.ts";
import type { ManagedPostgres } from "../postgres/managed-postgres.ts";
import { projectLogin, provisionProject } from "../postgres/provision-project.ts";
import { scramVerifier } from "../postgres/scram-verifier.ts";

export interface RestoreArchivesOptions {
  readonly postgres: ManagedPostgres;
  /** What `DatabaseArchives.dump` wrote. */
  readonly archives: readonly { readonly projectId: string; readonly file: string }[];
  readonly random: Random;
  readonly signal: AbortSignal;
}

/** Connections that a restore needs. */
const poolSize = 1;

/**
 * Makes the database of each project anew and fills it, each in one transaction. An archive is
 * restored as the project's own login and never as the superuser: what functions have put into their
 * database, such as the expression of a constraint, runs while it is restored.
 */
export async function restoreArchives(options: RestoreArchivesOptions): Promise<void> {
  const { postgres, random, signal } = options;
  for (const { projectId, file } of options.archives) {
    const login = projectLogin(projectId);
    const admin = await postgres.ensure();
    const password = Buffer.from(random.bytes(32)).toString("base64url");
    const verifier = scramVerifier(password, random.bytes(16));
    await provisionProject({ admin, login, verifier, poolSize });
    const target = { ...admin, user: login, database: login, password };
    const args = ["--no-owner", "--no-acl", "--single-transaction", "--exit-on-error", file];
    await postgres.run({ name: "pg_restore", target, args, signal });
  }
}
