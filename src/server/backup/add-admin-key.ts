import path from "node:path";
import type { Clock } from "../../base/clock.ts";
import { createIds } from "../../base/ids.ts";
import { silentLog } from "../../base/log.ts";
import { systemRandom } from "../../base/random.ts";
import { newApiKey } from "../../control/new-api-key.ts";
import { storePath } from "../../domain/backup/backup-manifest.ts";
import { openSqliteStore } from "../../store/sqlite/open-sqlite-store.ts";
import { serverVersion } from "../server-version.ts";
import { writePieces } from "./verify-backup.ts";

/** Makes an API key with every scope in a folder that no server uses yet, and its `admin.key`. */
export async function addAdminKeyTo(folder: string, clock: Clock): Promise<void> {
  const services = { clock, ids: createIds(clock, systemRandom), random: systemRandom };
  const { key, record } = newApiKey(services, {
    projectId: "*",
    name: "admin after restore",
    scopes: ["*"],
    expiresAtMs: undefined,
  });
  const file = path.join(folder, storePath);
  const store = await openSqliteStore({
    path: file,
    clock,
    log: silentLog,
    version: serverVersion,
  });
  try {
    await store.write((writer) => writer.insertApiKey(record));
  } finally {
    await store.close();
  }
  await writePieces(path.join(folder, "admin.key"), [Buffer.from(`${key}\n`)]);
}
