import type { CommandContext } from "../../cli/command.ts";
import { BackupFault } from "../../domain/backup/backup-fault.ts";
import type { BackupManifest } from "../../domain/backup/backup-manifest.ts";
import { unwrapKey } from "../../domain/backup/key-wrap.ts";
import { dataKeyId } from "../config/data-key.ts";

/**
 * Asks for the passphrase and opens the data key that is wrapped in a backup, as the text of a key
 * file. Throws BackupFault when there is none, or when it does not open or is not the server's.
 */
export async function openWrappedKey(
  { dataKey, id: backupId }: BackupManifest,
  readSecret: CommandContext["readSecret"],
): Promise<string> {
  const { id: keyId, wrapped } = dataKey;
  if (wrapped === undefined) {
    throw new BackupFault(
      `The data key ${keyId} is not in this backup: it was taken without --wrap-key; leave out --unwrap-key`,
    );
  }
  const passphrase = await readSecret("Passphrase of the wrapped data key");
  const bytes = await unwrapKey({ wrapped, passphrase, backupId, keyId });
  const text = Buffer.from(bytes).toString("base64");
  const found = dataKeyId(text);
  if (found === keyId) return text;
  throw new BackupFault(`The wrapped data key is ${found}, backup.json says that it is ${keyId}`);
}
