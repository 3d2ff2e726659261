import { Database } from "bun:sqlite";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

interface DeploymentRow {
  readonly id: string;
  readonly status: string;
  readonly source_blob: string;
  readonly artifact_blob: string | null;
}

/** Names that may lie in a data folder. */
const knownEntries =
  /^(admin\.key|backup|data\.key|functions|lock|lock-journal|lock\.pid|microvm|reactor\.db(-wal|-shm)?)$/;

/**
 * Reads a data folder beside its server: the database is sound, every blob that a row names exists
 * with the digest it is called by, and nothing half-made or foreign lies about.
 */
export async function checkDisk(dataDir: string): Promise<readonly string[]> {
  const problems: string[] = [];
  const bundles = join(dataDir, "functions/bundles");
  for (const row of deploymentRows(join(dataDir, "reactor.db"), problems)) {
    if (row.status === "ready" && row.artifact_blob === null) {
      problems.push(`${row.id} is ready without a prepared bundle`);
    }
    if (row.status === "pending" || row.status === "materializing") {
      problems.push(`${row.id} is still ${row.status}`);
    }
    for (const digest of [row.source_blob, row.artifact_blob]) {
      if (digest !== null) await checkBlob(bundles, digest, row.id, problems);
    }
  }
  const temporary = await readdir(join(bundles, "tmp"));
  if (temporary.length > 0) problems.push(`half-written bundles: ${temporary.join(", ")}`);
  const foreign = (await readdir(dataDir)).filter((name) => !knownEntries.test(name));
  if (foreign.length > 0)
    problems.push(`unknown entries of the data folder: ${foreign.join(", ")}`);
  return problems;
}

function deploymentRows(path: string, problems: string[]): readonly DeploymentRow[] {
  using database = new Database(path, { readonly: true });
  const check = database.query<{ integrity_check: string }, []>("pragma integrity_check").all();
  const faults = check.map((row) => row.integrity_check).filter((text) => text !== "ok");
  if (faults.length > 0) problems.push(`the database is damaged: ${faults.join(", ")}`);
  return database
    .query<DeploymentRow, []>("select id, status, source_blob, artifact_blob from deployments")
    .all();
}

async function checkBlob(
  bundles: string,
  digest: string,
  owner: string,
  problems: string[],
): Promise<void> {
  const path = join(bundles, digest.slice(0, 2), digest.slice(2, 4), digest);
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes === undefined) problems.push(`${owner}: blob ${digest} is missing`);
  else if (createHash("sha256").update(bytes).digest("hex") !== digest) {
    problems.push(`${owner}: blob ${digest} is damaged`);
  }
}
