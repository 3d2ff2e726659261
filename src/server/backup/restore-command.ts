import path from "node:path";
import { defineCommand } from "../../cli/command.ts";
import { UsageError } from "../../cli/usage-error.ts";
import { BackupFault } from "../../domain/backup/backup-fault.ts";
import { type BackupManifest, dumpedProject } from "../../domain/backup/backup-manifest.ts";
import { readDataKeyFile } from "../config/data-key.ts";
import { countProjects } from "./count-projects.ts";
import { explainFault } from "./explain-fault.ts";
import { openWrappedKey } from "./open-key.ts";
import type { DatabasesToRestore } from "./restore-backup.ts";

/** `reactor backup restore`: a data folder out of a backup. */
export const backupRestoreCommand = defineCommand({
  name: "backup restore",
  summary: "Make a data folder out of a backup",
  description:
    "Needs no server. Writes and checks everything in a folder beside the data folder and renames " +
    "it at the end: an interrupted restore leaves no data folder. The data folder must not exist, " +
    "or be empty. The API keys of the backup work as before; the file admin.key is not " +
    "in a backup, and no new one is made without --new-admin-key. Logs and invocation records are " +
    "not part of a backup. Function databases are restored with the PostgreSQL of this machine, of " +
    "the version that they were in or a newer one.",
  local: true,
  arguments: { file: { summary: "The backup" } },
  options: {
    dataDir: { value: "path", summary: "The data folder to make" },
    dataKeyFile: { value: "file", summary: "The data key's file, which is copied into the folder" },
    databaseBinaries: {
      value: "path",
      summary: "Folder of PostgreSQL's programs, to restore the function databases with",
    },
    noDatabases: { summary: "Leave the function databases out" },
    newAdminKey: { summary: "Also make an admin key, for when every old one is lost" },
    unwrapKey: { summary: "Use the wrapped data key; the passphrase is asked for or on stdin" },
  },
  examples: [
    {
      command: "reactor backup restore all.tar --data-dir /var/lib/reactor --unwrap-key",
      summary: "With the data key that is wrapped in the backup",
    },
    {
      command:
        "reactor backup restore reactor.tar --data-dir ./restored --data-key-file ./safe/data.key",
      summary: "With the data key from elsewhere",
    },
  ],
  errors: [],
  async run({ output, env, cwd, clock, signal, readSecret }, args, options) {
    const { dataDir: folder, dataKeyFile, unwrapKey } = options;
    if (folder === undefined) throw new UsageError("Say where to restore to with --data-dir");
    if (dataKeyFile !== undefined && unwrapKey) {
      throw new UsageError("Take --data-key-file or --unwrap-key, not both");
    }
    const dataDir = path.resolve(cwd, folder);
    const dataKey = async (manifest: BackupManifest): Promise<string | undefined> => {
      if (unwrapKey) return openWrappedKey(manifest, readSecret);
      return dataKeyFile && readKeyFile(path.resolve(cwd, dataKeyFile), manifest);
    };
    const file = path.resolve(cwd, args.file);
    // Every command line loads this file; the store's and the database's code is for this command alone.
    const { restoreBackup } = await import("./restore-backup.ts");
    const { restoreDatabases } = await import("./restore-databases.ts");
    const { addAdminKeyTo } = await import("./add-admin-key.ts");
    const addAdminKey = options.newAdminKey
      ? (draft: string) => addAdminKeyTo(draft, clock)
      : undefined;
    const restoreThem = (at: DatabasesToRestore): Promise<void> =>
      restoreDatabases({
        ...at,
        binaries: options.databaseBinaries && path.resolve(cwd, options.databaseBinaries),
        searchPath: env["PATH"],
        signal,
        clock,
      });
    const work = {
      file,
      dataDir,
      dataKey,
      addAdminKey,
      restoreDatabases: options.noDatabases ? undefined : restoreThem,
      signal,
      clock,
    };
    const restored = await restoreBackup(work).catch((error: unknown) =>
      explainFault(error, `reactor backup verify ${args.file}`),
    );
    const { manifest, keyRestored } = restored;
    const databases = options.noDatabases ? [] : projectsOf(manifest);
    output.result(
      {
        data_dir: dataDir,
        id: manifest.id,
        created_at: new Date(manifest.createdAtMs).toISOString(),
        data_key: { id: manifest.dataKey.id, restored: keyRestored },
        databases: { state: manifest.databases.state, restored: databases },
      },
      () =>
        `Restored backup ${manifest.id} to ${dataDir}${databases.length === 0 ? "" : `, with the databases of ${countProjects(databases.length)}`}`,
    );
    const absent = databaseWarning(manifest, options.noDatabases);
    if (absent !== undefined) output.warn(absent);
    if (!keyRestored && manifest.secretKeyIds.length > 0) {
      output.warn(
        `THE SECRETS CANNOT BE READ YET: put the data key ${manifest.secretKeyIds.join(", ")} at ${path.join(dataDir, "data.key")} (mode 0600), or give it as REACTOR_FUNCTIONS_DATA_KEY; the server does not start without it`,
      );
    }
    output.note(
      options.newAdminKey
        ? `A new admin key is in ${path.join(dataDir, "admin.key")}; the old API keys work as well.`
        : "The admin key and all other API keys work as before the backup: use them with --key or " +
            `REACTOR_API_KEY, or copy the old admin.key into ${dataDir} with mode 0600. If all are ` +
            "lost, restore again with --new-admin-key.",
    );
    output.note(`Next: reactor serve --data-dir ${folder}`);
    return undefined;
  },
});

/** Ids of the projects whose databases are in the backup. */
function projectsOf(manifest: BackupManifest): readonly string[] {
  return manifest.files.flatMap((file) => dumpedProject(file) ?? []);
}

/** What is said when the functions' databases are not there afterwards. */
function databaseWarning(manifest: BackupManifest, isLeftOut: boolean): string | undefined {
  const { state } = manifest.databases;
  if (state === "external") {
    return "THE FUNCTION DATABASES ARE NOT IN THIS BACKUP: they were on a server of the operator's own (database.url); restore them there";
  }
  if (state === "left_out") {
    return "THE FUNCTION DATABASES ARE NOT IN THIS BACKUP: functions begin with empty ones";
  }
  if (!isLeftOut || projectsOf(manifest).length === 0) return undefined;
  return "THE FUNCTION DATABASES WERE NOT RESTORED (--no-databases): functions begin with empty ones";
}

async function readKeyFile(file: string, { dataKey }: BackupManifest): Promise<string> {
  const key = await readDataKeyFile(file);
  if (key === undefined) throw new BackupFault(`There is no data key file ${file}`);
  if (key.id === dataKey.id) return Buffer.from(key.bytes).toString("base64");
  throw new BackupFault(
    `The data key in ${file} is ${key.id}, the backup was made by a server with ${dataKey.id}; give the file of that server`,
  );
}
