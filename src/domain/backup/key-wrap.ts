import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
  scrypt,
} from "node:crypto";
import type { Random } from "../../base/random.ts";
import { BackupFault } from "./backup-fault.ts";

/**
 * A data key goes into a backup wrapped for a passphrase that the server never sees. Whoever asks
 * for the backup makes an X25519 key pair from the passphrase (scrypt) and sends the public half;
 * the server seals the data key for it (fresh X25519 pair, HKDF-SHA256, AES-256-GCM). Only the
 * passphrase makes the private half again, so neither it nor the data key crosses the network.
 */

/** What the server needs to wrap a key: no secret. All but the numbers is base64url. */
export interface KeyRecipient {
  readonly n: number;
  readonly r: number;
  readonly p: number;
  readonly salt: string;
  readonly public_key: string;
}

/** A wrapped data key, as it stands in `backup.json`. */
export interface WrappedKey extends KeyRecipient {
  readonly ephemeral_key: string;
  readonly nonce: string;
  /** Ciphertext and tag. */
  readonly sealed: string;
}

/** 128 MiB and about a quarter of a second per guess. */
const cost = { n: 2 ** 17, r: 8, p: 1 } as const;
/** Costs that are taken from a file, which may be hostile: at most 256 MiB. */
const costs: readonly number[] = [2 ** 15, 2 ** 16, 2 ** 17, 2 ** 18];
const keyBytes = 32;
const saltBytes = 16;
const nonceBytes = 12;
const tagBytes = 16;
/** ASN.1 heads of an X25519 key: RFC 8410. */
const privateHead = Buffer.from("302e020100300506032b656e04220420", "hex");
const publicHead = Buffer.from("302a300506032b656e032100", "hex");

/** Shortest passphrase that is taken. */
export const passphraseCharsMin = 12;

/** The recipient of a passphrase, with a fresh salt. */
export async function createRecipient(passphrase: string, random: Random): Promise<KeyRecipient> {
  const salt = Buffer.from(random.bytes(saltBytes)).toString("base64url");
  const secret = await privateKeyOf(passphrase, { ...cost, salt });
  return { ...cost, salt, public_key: rawPublic(createPublicKey(secret)).toString("base64url") };
}

export interface WrapRequest {
  readonly recipient: KeyRecipient;
  readonly key: { readonly id: string; readonly bytes: Uint8Array };
  readonly backupId: string;
  readonly random: Random;
}

/** Seals the key for the recipient. Throws BackupFault when the recipient's key is no usable one. */
export function wrapKey({ recipient, key, backupId, random }: WrapRequest): WrappedKey {
  const ephemeral = privateKey(random.bytes(keyBytes));
  const nonce = random.bytes(nonceBytes);
  const head = { ...recipient, ephemeral_key: encode(rawPublic(createPublicKey(ephemeral))) };
  const shared = agree(ephemeral, publicKey(recipient.public_key));
  const cipher = createCipheriv("aes-256-gcm", keyFrom(shared, head), nonce, {
    authTagLength: tagBytes,
  });
  cipher.setAAD(context(head, backupId, key.id));
  const sealed = Buffer.concat([cipher.update(key.bytes), cipher.final(), cipher.getAuthTag()]);
  return { ...head, nonce: encode(nonce), sealed: encode(sealed) };
}

/** Opens a wrapped key. Throws BackupFault when the passphrase is not the one, or bytes changed. */
export async function unwrapKey(options: {
  readonly wrapped: WrappedKey;
  readonly passphrase: string;
  readonly backupId: string;
  readonly keyId: string;
}): Promise<Uint8Array> {
  const { wrapped, passphrase, backupId, keyId } = options;
  const secret = await privateKeyOf(passphrase, wrapped);
  try {
    const shared = agree(secret, publicKey(wrapped.ephemeral_key));
    const sealed = Buffer.from(wrapped.sealed, "base64url");
    const decipher = createDecipheriv(
      "aes-256-gcm",
      keyFrom(shared, wrapped),
      Buffer.from(wrapped.nonce, "base64url"),
      { authTagLength: tagBytes },
    );
    decipher.setAAD(context(wrapped, backupId, keyId));
    decipher.setAuthTag(sealed.subarray(keyBytes));
    return Buffer.concat([decipher.update(sealed.subarray(0, keyBytes)), decipher.final()]);
  } catch (cause) {
    throw new BackupFault(
      "The wrapped data key does not open: the passphrase is another one, or the backup was changed",
      { cause },
    );
  }
}

/** Checks the shape of a recipient, wherever it came from. Throws BackupFault. */
export function parseRecipient(value: unknown): KeyRecipient {
  const { n, r, p, salt, public_key, ...rest } = fields(value);
  const fit = costs.includes(Number(n)) && r === cost.r && p === cost.p;
  if (!fit || Object.keys(rest).length > 0) {
    throw damaged(`its scrypt cost must be n ${costs.join(", ")}, r ${cost.r}, p ${cost.p}`);
  }
  return {
    n: Number(n),
    r: cost.r,
    p: cost.p,
    salt: encoded(salt, saltBytes, "salt"),
    public_key: encoded(public_key, keyBytes, "public_key"),
  };
}

export function parseWrappedKey(value: unknown): WrappedKey {
  const { ephemeral_key, nonce, sealed, ...recipient } = fields(value);
  return {
    ...parseRecipient(recipient),
    ephemeral_key: encoded(ephemeral_key, keyBytes, "ephemeral_key"),
    nonce: encoded(nonce, nonceBytes, "nonce"),
    sealed: encoded(sealed, keyBytes + tagBytes, "sealed"),
  };
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null)
    return value as Readonly<Record<string, unknown>>;
  throw damaged("it must be an object");
}

function encoded(value: unknown, bytes: number, what: string): string {
  const buffer = Buffer.from(typeof value === "string" ? value : "", "base64url");
  if (buffer.length === bytes && buffer.toString("base64url") === value) return value;
  throw damaged(`its ${what} must be ${bytes} bytes in base64url`);
}

function damaged(rule: string): BackupFault {
  return new BackupFault(`The wrapping of the data key is malformed: ${rule}`);
}

function privateKeyOf(
  passphrase: string,
  { n, r, p, salt }: Omit<KeyRecipient, "public_key">,
): Promise<KeyObject> {
  const text = Buffer.from(passphrase.normalize("NFKC"));
  const options = { N: n, r, p, maxmem: 2 * 128 * n * r };
  return new Promise((resolve, reject) => {
    scrypt(text, Buffer.from(salt, "base64url"), keyBytes, options, (error, seed) => {
      if (error) reject(error);
      else resolve(privateKey(seed));
    });
  });
}

function privateKey(seed: Uint8Array): KeyObject {
  return createPrivateKey({
    key: Buffer.concat([privateHead, seed]),
    format: "der",
    type: "pkcs8",
  });
}

function publicKey(text: string): KeyObject {
  const raw = Buffer.from(text, "base64url");
  return createPublicKey({ key: Buffer.concat([publicHead, raw]), format: "der", type: "spki" });
}

function rawPublic(key: KeyObject): Buffer {
  return key.export({ format: "der", type: "spki" }).subarray(publicHead.length);
}

function agree(own: KeyObject, other: KeyObject): Buffer {
  try {
    return diffieHellman({ privateKey: own, publicKey: other });
  } catch (cause) {
    throw new BackupFault("The public key to wrap the data key for is no usable X25519 key", {
      cause,
    });
  }
}

type WrapHead = Pick<WrappedKey, "public_key" | "ephemeral_key" | "n" | "r" | "p" | "salt">;

function keyFrom(shared: Buffer, head: WrapHead): Buffer {
  const salt = Buffer.from(head.ephemeral_key + head.public_key);
  return Buffer.from(hkdfSync("sha256", shared, salt, "reactor backup key 1", keyBytes));
}

function context(head: WrapHead, backupId: string, keyId: string): Buffer {
  const { n, r, p, salt } = head;
  return Buffer.from(["reactor backup key 1", backupId, keyId, n, r, p, salt].join("\0"));
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}
