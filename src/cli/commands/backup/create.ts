import path from "node:path";
import { systemRandom } from "../../../base/random.ts";
import type { BackupDownload } from "../../../client/server-calls.ts";
import {
  type BackupManifest,
  blobsOf,
  type DatabaseState,
  dumpedProject,
} from "../../../domain/backup/backup-manifest.ts";
import { createRecipient, passphraseCharsMin } from "../../../domain/backup/key-wrap.ts";
import { type CommandContext, defineCommand } from "../../command.ts";
import { describeBytes } from "../../describe.ts";
import type { Progress } from "../../output.ts";
import { UsageError } from "../../usage-error.ts";
import { type ReceiveOptions, receiveBackup } from "./receive-backup.ts";

/** A passphrase for a new backup: on a terminal asked for twice. */
async function newPassphrase({ readSecret, output }: CommandContext): Promise<string> {
  const passphrase = await readSecret("Passphrase to wrap the data key with");
  if (passphrase.length < passphraseCharsMin) {
    throw new UsageError(
      `The passphrase has ${passphrase.length} characters, it must have at least ${passphraseCharsMin}`,
    );
  }
  if (output.isTTY.stdin && (await readSecret("The same passphrase again")) !== passphrase) {
    throw new UsageError("The two passphrases differ");
  }
  return passphrase;
}

const databaseWarnings: Readonly<Record<DatabaseState, readonly string[]>> = {
  included: [],
  external: [
    "THE FUNCTION DATABASES ARE NOT IN THIS BACKUP: they are on the server that database.url (DATABASE_URL) names; back them up there, for example with pg_dump",
  ],
  left_out: ["THE FUNCTION DATABASES ARE NOT IN THIS BACKUP: they were left out"],
};

function warnings(manifest: BackupManifest): readonly string[] {
  const { dataKey, secretKeyIds, damagedBlobs, databases } = manifest;
  const { id, wrapped } = dataKey;
  const others = secretKeyIds.filter((key) => key !== id);
  return [
    ...(wrapped
      ? []
      : [
          `THE DATA KEY ${id} IS NOT IN THIS BACKUP: keep the server's data key file elsewhere, or no secret can ever be read again`,
        ]),
    ...(others.length === 0
      ? []
      : [
          `secrets are also sealed under the keys ${others.join(", ")}, which are not in the backup`,
        ]),
    ...databaseWarnings[databases.state],
    ...(damagedBlobs.length === 0
      ? []
      : [
          `${damagedBlobs.length} bundles were damaged or missing on the server and are left out: ${damagedBlobs.join(", ")}; deploy their functions again`,
        ]),
  ];
}

const title = "Taking a backup";
/** How often the time that passes is shown anew. */
const tickMs = 1000;

/**
 * The download, which shows how far it is: the seconds that the server copies and dumps before it sends
 * anything, then the bytes that have come of all.
 */
function downloadOf(
  { clock, signal }: CommandContext,
  progress: Progress,
  create: (options: { readonly signal: AbortSignal }) => Promise<BackupDownload>,
): Pick<ReceiveOptions, "download" | "onBytes"> {
  let ofBytes = "";
  return {
    async download() {
      const startedMs = clock.monotonicMs();
      const ticker = clock.every(tickMs, () => {
        const seconds = Math.round((clock.monotonicMs() - startedMs) / 1000);
        progress.update(`${title}: the server copies its state and the databases  ${seconds} s`);
      });
      try {
        const download = await create({ signal });
        if (download.bytes !== undefined) ofBytes = ` of ${describeBytes(download.bytes)}`;
        return download;
      } finally {
        ticker.cancel();
      }
    },
    onBytes: (bytes) => progress.update(`${title}: ${describeBytes(bytes)}${ofBytes}`),
  };
}

export const backupCreate = defineCommand({
  name: "backup create",
  summary: "Take a backup of a server while it serves",
  description:
    "Saves functions, deployments with their code, env, sealed secrets, API keys and audit rows as " +
    "they are at one moment, and each project's database, into one tar file that is checked as it " +
    "comes in. Databases on a server of your own (DATABASE_URL) are not in it. Logs and invocation " +
    "records are left out, and so is the admin key's file. The data key, without which no secret " +
    "can be read, is left out too unless --wrap-key puts it in under a passphrase, which is asked " +
    "for or read from stdin and never leaves this machine.",
  arguments: {},
  options: {
    output: { value: "file", summary: "Where to write the backup; must not exist yet", short: "o" },
    noDatabases: { summary: "Leave the functions' databases out" },
    wrapKey: { summary: "Put the data key in, wrapped under a passphrase (prompt or stdin)" },
  },
  examples: [
    {
      command: "reactor backup create --output reactor-$(date +%F).tar",
      summary: "A backup without the data key",
    },
    {
      command: "reactor backup create --output all.tar --wrap-key < passphrase.txt",
      summary: "A backup that can be restored with a passphrase",
    },
  ],
  errors: [
    { code: "permission_denied", next: "use a key of all projects with the scope backups:read" },
    { code: "conflict", next: "wait for the other backup to end" },
  ],
  async run(context, _args, options) {
    const { output, cwd, client, signal } = context;
    if (options.output === undefined) {
      throw new UsageError("A backup needs a file to write to", {
        next: "reactor backup create --output reactor.tar",
      });
    }
    const file = path.resolve(cwd, options.output);
    const wrapFor = options.wrapKey
      ? await createRecipient(await newPassphrase(context), systemRandom)
      : undefined;
    const reactor = await client();
    const progress = output.progress(title);
    const download = downloadOf(context, progress, (init) =>
      reactor.createBackup({ wrapFor, databases: !options.noDatabases }, init),
    );
    const received = await receiveBackup({ file, signal, ...download }).finally(() =>
      progress.end(),
    );
    const { manifest, bytes } = received;
    const projects = manifest.files.flatMap((entry) => dumpedProject(entry) ?? []);
    output.result(
      {
        file,
        id: manifest.id,
        bytes,
        created_at: new Date(manifest.createdAtMs).toISOString(),
        blobs: blobsOf(manifest).length,
        databases: { state: manifest.databases.state, projects },
        damaged_blobs: manifest.damagedBlobs,
        data_key: { id: manifest.dataKey.id, wrapped: manifest.dataKey.wrapped !== undefined },
      },
      () => `Saved backup ${manifest.id} to ${file} (${describeBytes(bytes)}, checked)`,
    );
    for (const warning of warnings(manifest)) output.warn(warning);
    output.note(`Next: reactor backup verify ${options.output}`);
    return undefined;
  },
});
