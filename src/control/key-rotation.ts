import type { Log } from "../base/log.ts";
import { ReactorError } from "../domain/errors.ts";
import type { EnvRecord } from "../domain/function.ts";
import type { Store, StoreWriter } from "../store/store.ts";
import type { MasterKeyFile } from "./master-key-file.ts";
import { platformSubject } from "./platform-subject.ts";
import type { SecretBox } from "./secret-box.ts";

/** What a rotation did. */
export interface KeyRotationResult {
  readonly formerKeyId: string;
  readonly keyId: string;
  /** Secrets that were moved to the new key. */
  readonly secrets: number;
  /** Where the former key is kept, for backups that need it. */
  readonly formerKeyFile: string;
}

/** Moves every secret from one master key to another while everything goes on. */
export interface KeyRotation {
  /** A rotation is under way: some secrets are sealed under another key than `SecretBox.current`. */
  readonly isUnderWay: boolean;
  /** `conflict` while another one runs, when the key is the operator's to change, or when a secret cannot be opened. */
  rotate(): Promise<KeyRotationResult>;
  /** Ends what an earlier start left: an interrupted rotation, or secrets under a previous key. */
  resume(): Promise<void>;
}

/** No stored secret starts with it. */
const noPrefix = "none.";
const secretsMax = 10_000_000;
/** Secrets that are moved in one transaction, so that no other change waits long. */
const batchSize = 100;

export function createKeyRotation(options: {
  readonly store: Store;
  readonly secretBox: SecretBox;
  /** Absent: the key comes from a setting. */
  readonly keyFile: MasterKeyFile | undefined;
  readonly log: Log;
}): KeyRotation {
  const { store, secretBox, keyFile, log } = options;
  let isUnderWay = false;
  /** The key in the file, which `SecretBox.current` runs ahead of until the end of a rotation. */
  let fileKeyId = secretBox.current.id;
  const exclusively = async <T>(work: () => Promise<T>): Promise<T> => {
    if (isUnderWay) {
      throw new ReactorError("conflict", "Cannot rotate the data key: a rotation is under way", {
        retryAfterSecs: 5,
      });
    }
    isUnderWay = true;
    try {
      return await work();
    } finally {
      isUnderWay = false;
    }
  };
  const rewrapAll = async (): Promise<number> => {
    let secrets = 0;
    for (;;) {
      const moved = await store.write((writer) => rewrapSome(writer, secretBox));
      secrets += moved;
      if (moved < batchSize) break;
    }
    await store.write((writer) => rewrapPlatform(writer, secretBox));
    return secrets;
  };
  return {
    get isUnderWay() {
      return isUnderWay;
    },
    rotate: () =>
      exclusively(async () => {
        if (keyFile === undefined) throw keyIsSetting();
        await requireOpenable(store, secretBox);
        const formerKeyId = fileKeyId;
        // The new key is on disk before anything is sealed under it.
        const key = await keyFile.prepare();
        secretBox.use(key);
        const secrets = await rewrapAll();
        const formerKeyFile = await keyFile.commit();
        fileKeyId = key.id;
        log.info("the data key was rotated", { from: formerKeyId, to: key.id, secrets });
        return { formerKeyId, keyId: key.id, secrets, formerKeyFile };
      }),
    resume: () =>
      exclusively(async () => {
        const pending = keyFile?.pending;
        if (pending !== undefined) secretBox.use(pending);
        try {
          const secrets = await rewrapAll();
          if (pending !== undefined) await keyFile?.commit();
          fileKeyId = secretBox.current.id;
          if (pending === undefined && secrets === 0) return;
          log.info("the data key's rotation was completed", { to: secretBox.current.id, secrets });
        } catch (error) {
          // Both keys are here, so everything that can be opened is; the next start tries again.
          log.error("the data key's rotation cannot be completed", { error: String(error) });
        }
      }),
  };
}

async function rewrapSome(writer: StoreWriter, secretBox: SecretBox): Promise<number> {
  const records = await writer.secretsWithout(secretBox.currentPrefix, batchSize);
  for (const record of records) {
    // The value stays what it is, so neither its version nor its function's changes.
    await writer.putEnv({ ...record, value: secretBox.rewrap(record.value, subjectOf(record)) });
  }
  return records.length;
}

/** The platform's own secrets, which are few and not counted. */
async function rewrapPlatform(writer: StoreWriter, secretBox: SecretBox): Promise<void> {
  for (const { name, sealed } of await writer.platformSecrets()) {
    if (sealed.startsWith(secretBox.currentPrefix)) continue;
    await writer.putPlatformSecret(name, secretBox.rewrap(sealed, platformSubject(name)));
  }
}

/** A secret that cannot be opened could not be moved, and its key would be gone afterwards. */
async function requireOpenable(store: Store, secretBox: SecretBox): Promise<void> {
  const all = await store.read((reader) => reader.secretsWithout(noPrefix, secretsMax));
  for (const record of all) {
    try {
      secretBox.open(record.value, subjectOf(record));
    } catch (cause) {
      const owner = record.functionId ?? record.projectId;
      throw new ReactorError(
        "conflict",
        `Cannot rotate the data key: the secret "${record.key}" of "${owner}" cannot be opened; set it again or unset it first`,
        { cause, details: { key: record.key, owner } },
      );
    }
  }
}

function subjectOf(record: EnvRecord): { owner: string; key: string; version: number } {
  const { key, version } = record;
  return { owner: record.functionId ?? record.projectId, key, version };
}

function keyIsSetting(): ReactorError {
  return new ReactorError(
    "conflict",
    "Cannot rotate the data key: it comes from the setting functions.data_key, which the server cannot change; set functions.data_key_previous to it and functions.data_key to a new one (openssl rand -base64 32), and start the server again: it moves every secret",
  );
}
