import path from "node:path";
import { defineCommand } from "../../cli/command.ts";
import { describeBytes } from "../../cli/describe.ts";
import { blobsOf, type DatabaseState, dumpedProject } from "../../domain/backup/backup-manifest.ts";
import { countProjects } from "./count-projects.ts";
import { explainFault } from "./explain-fault.ts";
import { openWrappedKey } from "./open-key.ts";

/** `reactor backup verify`: is this file a whole and sound backup. */
export const backupVerifyCommand = defineCommand({
  name: "backup verify",
  summary: "Check every byte of a backup file",
  description:
    "Needs no server. Checks that nothing is changed, missing or added, that the store in the " +
    "backup opens and is sound, that it names the very bundles that are there, and with " +
    "--unwrap-key that the passphrase opens the data key. The exit code is 1 when something is " +
    "wrong. The store is unpacked in the folder for temporary files meanwhile.",
  local: true,
  arguments: { file: { summary: "The backup" } },
  options: {
    unwrapKey: {
      summary: "Also open the wrapped data key; the passphrase is asked for or on stdin",
    },
  },
  examples: [
    { command: "reactor backup verify reactor.tar", summary: "Is the file whole and sound" },
    {
      command: "reactor backup verify all.tar --unwrap-key < passphrase.txt",
      summary: "Does the passphrase open its data key as well",
    },
  ],
  errors: [],
  async run({ output, cwd, clock, signal, readSecret }, args, options) {
    const file = path.resolve(cwd, args.file);
    const progress = output.progress(`Checking ${file}`);
    try {
      // Every command line loads this file; the store's code is for this command alone.
      const { verifyBackup } = await import("./verify-backup.ts");
      const manifest = await verifyBackup({ file, signal, clock });
      progress.end();
      if (options.unwrapKey) await openWrappedKey(manifest, readSecret);
      const { id, dataKey, damagedBlobs, files } = manifest;
      const blobs = blobsOf(manifest).length;
      const databases = files.flatMap((entry) => dumpedProject(entry) ?? []);
      const bytes = files.reduce((sum, entry) => sum + entry.bytes, 0);
      const wrapped = dataKey.wrapped !== undefined;
      output.result(
        {
          file,
          id,
          sound: true,
          created_at: new Date(manifest.createdAtMs).toISOString(),
          server_version: manifest.serverVersion,
          blobs,
          bytes,
          databases: { state: manifest.databases.state, projects: databases },
          damaged_blobs: damagedBlobs,
          data_key: { id: dataKey.id, wrapped, opened: options.unwrapKey },
        },
        () =>
          `Backup ${id} is whole and sound: the store, ${blobs} bundles and ${databasesInWords(manifest.databases.state, databases.length)}, ${describeBytes(bytes)}, of ${new Date(manifest.createdAtMs).toISOString()}; its data key ${dataKey.id} is ${keyState(wrapped, options.unwrapKey)}`,
      );
      if (damagedBlobs.length > 0) {
        output.warn(
          `${damagedBlobs.length} bundles were damaged or missing on the server already and are not in it: ${damagedBlobs.join(", ")}`,
        );
      }
      return undefined;
    } catch (error) {
      return explainFault(error, "take another backup with: reactor backup create");
    } finally {
      progress.end();
    }
  },
});

function databasesInWords(state: DatabaseState, count: number): string {
  if (state === "external") return "no function databases (they are on another server)";
  if (state === "left_out") return "no function databases (they were left out)";
  return `the databases of ${countProjects(count)}`;
}

function keyState(wrapped: boolean, opened: boolean): string {
  if (!wrapped) return "not in it";
  return opened ? "in it, and the passphrase opens it" : "in it, wrapped";
}
