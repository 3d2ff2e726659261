import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import type { Random } from "../../base/random.ts";
import { ReactorError } from "../../domain/errors.ts";
import type { QueuePayloadKind } from "../../store/queue-store.ts";
import type { Store } from "../../store/store.ts";
import { platformSubject } from "../platform-subject.ts";
import type { SecretBox } from "../secret-box.ts";

/** What is stored of a payload: facts as JSON, and bytes. */
export interface QueuePayload<Facts> {
  readonly facts: Facts;
  readonly body: Uint8Array;
}

/**
 * Seals what is stored of queued invocations, each payload under a key of its own that is derived
 * from the queue's key and the invocation's id. The queue's key is a random one, made when it is
 * first needed and stored as secrets are, so that a change of the data key moves 32 bytes and not
 * the queue. A sealed payload is nonce (12), ciphertext, tag (16).
 */
export interface QueueSeal {
  seal<Facts>(id: string, kind: QueuePayloadKind, payload: QueuePayload<Facts>): Uint8Array;
  /** Throws `storage_unavailable` when the bytes changed or belong to another invocation. */
  open<Facts>(id: string, kind: QueuePayloadKind, sealed: Uint8Array): QueuePayload<Facts>;
  /** What proves that somebody was given the invocation's status URL. */
  statusToken(id: string): string;
  /** A digest of the parts that tells nothing about them to those who have no key. */
  digest(...parts: readonly (string | Uint8Array)[]): string;
}

const nonceBytes = 12;
const tagBytes = 16;
/** The name of the queue's key among the platform's secrets. */
const keyName = "queue";

/** Opens the queue's key, making it when there is none and `make` is set. */
export async function openQueueSeal(options: {
  readonly store: Store;
  readonly secretBox: SecretBox;
  readonly random: Random;
  readonly make: boolean;
}): Promise<QueueSeal | undefined> {
  const { store, secretBox, random, make } = options;
  const subject = platformSubject(keyName);
  const stored = await store.read((reader) => reader.platformSecret(keyName));
  if (stored !== undefined) return createQueueSeal(keyOf(secretBox.open(stored, subject)), random);
  if (!make) return undefined;
  const fresh = Buffer.from(random.bytes(32)).toString("base64url");
  // Another call may have been first.
  const sealed = await store.write(async (writer) => {
    const present = await writer.platformSecret(keyName);
    if (present !== undefined) return present;
    const made = secretBox.seal(fresh, subject);
    await writer.putPlatformSecret(keyName, made);
    return made;
  });
  return createQueueSeal(keyOf(secretBox.open(sealed, subject)), random);
}

function keyOf(text: string): Uint8Array {
  return Buffer.from(text, "base64url");
}

/** Seals under the key, which has 32 bytes. */
function createQueueSeal(key: Uint8Array, random: Random): QueueSeal {
  const derive = (...parts: readonly (string | Uint8Array)[]): Buffer => {
    const hmac = createHmac("sha256", key);
    for (const part of parts) {
      const length = typeof part === "string" ? Buffer.byteLength(part) : part.length;
      // Each part with its length, so that no two lists of parts are the same bytes.
      hmac.update(`${length}:`).update(part);
    }
    return hmac.digest();
  };
  return {
    seal(id, kind, { facts, body }) {
      const nonce = random.bytes(nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", derive("payload", kind, id), nonce);
      const json = Buffer.from(JSON.stringify(facts));
      const head = Buffer.alloc(4);
      head.writeUInt32BE(json.length);
      return Buffer.concat([
        nonce,
        cipher.update(head),
        cipher.update(json),
        cipher.update(body),
        cipher.final(),
        cipher.getAuthTag(),
      ]);
    },
    open<Facts>(id: string, kind: QueuePayloadKind, sealed: Uint8Array): QueuePayload<Facts> {
      const plain = decrypt(derive("payload", kind, id), sealed, id);
      const end = 4 + plain.readUInt32BE(0);
      const facts: Facts = JSON.parse(plain.toString("utf8", 4, end));
      return { facts, body: plain.subarray(end) };
    },
    statusToken: (id) => derive("status", id).subarray(0, 16).toString("base64url"),
    digest: (...parts) => derive("digest", ...parts).toString("base64url"),
  };
}

function decrypt(key: Buffer, sealed: Uint8Array, id: string): Buffer {
  try {
    const nonce = sealed.subarray(0, nonceBytes);
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes });
    decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
    const ciphertext = sealed.subarray(nonceBytes, sealed.length - tagBytes);
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  } catch (cause) {
    throw new ReactorError(
      "storage_unavailable",
      `Cannot open what is stored of invocation "${id}": its bytes changed, or it was sealed under another queue key; restore a backup`,
      { cause },
    );
  }
}
