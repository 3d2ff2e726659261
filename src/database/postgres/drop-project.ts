import { quoteName } from "../query/build-statement.ts";
import type { PgTarget } from "./pg-client.ts";
import { withClient } from "./provision-project.ts";

/** Drops a project's database and its login, whichever of them is there; may run again. */
export async function dropProject(admin: PgTarget, login: string): Promise<void> {
  const name = quoteName(login);
  await withClient(admin, async (client) => {
    // Sessions that are still ending must not keep it.
    await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await client.query(`DROP ROLE IF EXISTS ${name}`);
  });
}
