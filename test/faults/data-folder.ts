import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { Database } from "bun:sqlite";

interface DeploymentRow {
  readonly id: string;
  readonly function_id: string;
  readonly revision: number;
  readonly status: string;
  readonly source_blob: string;
  readonly artifact_blob: string | null;
}

/**
 * What is wrong in a data folder whose server has started again: half-made rows, rows that point to
 * nothing, and blobs that are missing, damaged or half-written. Empty when all is whole.
 */
export async function dataFolderFaults(dataDir: string): Promise<readonly string[]> {
  const database = new Database(join(dataDir, "reactor.db"), { readonly: true });
  try {
    const deployments = database.query<DeploymentRow, []>("select * from deployments").all();
    return [
      ...integrityFaults(database),
      ...deploymentFaults(deployments),
      ...aliasFaults(database, deployments),
      ...(await blobFaults(join(dataDir, "functions/bundles"), deployments)),
    ];
  } finally {
    database.close();
  }
}

function integrityFaults(database: Database): string[] {
  const rows = database.query<{ integrity_check: string }, []>("pragma integrity_check").all();
  const orphans = database.query("pragma foreign_key_check").all();
  return [
    ...rows.flatMap((row) => (row.integrity_check === "ok" ? [] : [row.integrity_check])),
    ...orphans.map((row) => `a row refers to nothing: ${JSON.stringify(row)}`),
  ];
}

function deploymentFaults(deployments: readonly DeploymentRow[]): string[] {
  return deployments.flatMap(({ id, status, artifact_blob }) => {
    if (status === "ready")
      return artifact_blob === null ? [`${id} is ready without a module`] : [];
    return status === "failed" || status === "destroyed" ? [] : [`${id} was left ${status}`];
  });
}

/** Every alias points to ready deployments, and production to what was promoted last. */
function aliasFaults(database: Database, deployments: readonly DeploymentRow[]): string[] {
  const ready = new Set(deployments.filter((row) => row.status === "ready").map((row) => row.id));
  const aliases = database
    .query<{ function_id: string; name: string; targets: string }, []>("select * from aliases")
    .all();
  const promotions = database
    .query<{ function_id: string; deployment_id: string }, []>(
      "select function_id, deployment_id from promotions order by position",
    )
    .all();
  return aliases.flatMap(({ function_id, name, targets }) => {
    const ids = JSON.parse(targets).map((target: { deploymentId: string }) => target.deploymentId);
    const dead = ids.filter((id: string) => !ready.has(id));
    const last = promotions.findLast((row) => row.function_id === function_id)?.deployment_id;
    const isUnrecorded = name === "production" && !ids.includes(last);
    return [
      ...dead.map((id: string) => `alias ${name} points to ${id}, which is not ready`),
      ...(isUnrecorded ? [`production is ${ids.join()}, promoted last was ${last}`] : []),
    ];
  });
}

async function blobFaults(
  folder: string,
  deployments: readonly DeploymentRow[],
): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  const faults: string[] = [];
  const sound = new Set<string>();
  for (const { name, parentPath } of files) {
    const digest = createHash("sha256")
      .update(await readFile(join(parentPath, name)))
      .digest("hex");
    if (digest === name) sound.add(name);
    else faults.push(`${join(parentPath, name)} is half-written or damaged`);
  }
  const wanted = deployments.flatMap((row) => [
    row.source_blob,
    row.artifact_blob ?? row.source_blob,
  ]);
  for (const digest of new Set(wanted)) {
    if (!sound.has(digest)) faults.push(`blob ${digest} is referenced and missing`);
  }
  return faults;
}
