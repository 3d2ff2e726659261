import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Random } from "../base/random.ts";
import { ReactorError } from "../domain/errors.ts";

/** A key that wraps the data keys of secrets: 32 bytes, known by an id that is stored with each secret. */
export interface MasterKey {
  /** 1–64 of `A-Z a-z 0-9 _ -`. */
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** What a sealed value is bound to; it opens for nothing else. */
interface SecretSubject {
  /** Function id, or project id for a project's secret. */
  readonly owner: string;
  readonly key: string;
  readonly version: number;
}

/**
 * Seals secrets for storage. A sealed value reads `rs1.{master key id}.{base64url}`, the last part
 * being wrap nonce (12), wrapped data key (32), wrap tag (16), nonce (12), ciphertext, tag (16).
 * Both layers are AES-256-GCM and authenticate the format and the subject; the outer one also the
 * master key's id. Failures to open are `storage_unavailable` and never hold the value.
 */
export interface SecretBox {
  /** Encrypts under a fresh random data key. */
  seal(value: string, subject: SecretSubject): string;
  /** Decrypts; refuses changed bytes, another subject and an unknown master key. */
  open(sealed: string, subject: SecretSubject): string;
  /** The same secret with its data key wrapped by the current master key. */
  rewrap(sealed: string, subject: SecretSubject): string;
  /** Whether the master key that a sealed value names is at hand. */
  knows(sealed: string): boolean;
  /** The master key that `seal` and `rewrap` use. */
  readonly current: MasterKey;
  /** What every value that is sealed under the current master key starts with. */
  readonly currentPrefix: string;
  /** Seals under this key from now on; the former ones still open. */
  use(key: MasterKey): void;
}

const format = "rs1";
const nonceBytes = 12;
const tagBytes = 16;
const keyBytes = 32;
const wrapBytes = nonceBytes + keyBytes + tagBytes;

/** Seals with `current`; opens also what `previous` keys sealed. */
export function createSecretBox(options: {
  readonly current: MasterKey;
  readonly previous?: readonly MasterKey[];
  readonly random: Random;
}): SecretBox {
  const { random } = options;
  let { current } = options;
  const keys = new Map([...(options.previous ?? []), current].map((key) => [key.id, checked(key)]));
  const openDataKey = (
    sealed: string,
    subject: SecretSubject,
  ): { dataKey: Buffer; body: Buffer } => {
    const { keyId, payload } = parse(sealed, subject);
    const master = keys.get(keyId);
    if (master === undefined) {
      throw unreadable(subject, `it was sealed under the master key "${keyId}", which is not here`);
    }
    const additional = wrapContext(keyId, subject);
    const dataKey = decrypt(master.bytes, payload.subarray(0, wrapBytes), additional, subject);
    return { dataKey, body: payload.subarray(wrapBytes) };
  };
  const wrap = (dataKey: Uint8Array, subject: SecretSubject): Buffer =>
    encrypt(current.bytes, dataKey, wrapContext(current.id, subject), random);
  const join = (wrapped: Buffer, body: Buffer): string =>
    `${format}.${current.id}.${Buffer.concat([wrapped, body]).toString("base64url")}`;
  return {
    get current() {
      return current;
    },
    get currentPrefix() {
      return `${format}.${current.id}.`;
    },
    use(key) {
      keys.set(key.id, checked(key));
      current = key;
    },
    seal(value, subject) {
      const dataKey = random.bytes(keyBytes);
      const body = encrypt(dataKey, Buffer.from(value), valueContext(subject), random);
      const sealed = join(wrap(dataKey, subject), body);
      dataKey.fill(0);
      return sealed;
    },
    open(sealed, subject) {
      const { dataKey, body } = openDataKey(sealed, subject);
      const value = decrypt(dataKey, body, valueContext(subject), subject).toString();
      dataKey.fill(0);
      return value;
    },
    rewrap(sealed, subject) {
      const { dataKey, body } = openDataKey(sealed, subject);
      const rewrapped = join(wrap(dataKey, subject), body);
      dataKey.fill(0);
      return rewrapped;
    },
    knows: (sealed) => keys.has(sealed.split(".", 2)[1] ?? ""),
  };
}

function checked(key: MasterKey): MasterKey {
  if (key.bytes.length !== keyBytes || !/^[A-Za-z0-9_-]{1,64}$/.test(key.id)) {
    throw new ReactorError(
      "invalid_request",
      `Cannot use the data key: it has ${key.bytes.length} bytes, must have ${keyBytes} (base64 in the setting data_key), and an id of 1–64 letters, digits, _ or -`,
    );
  }
  return key;
}

function parse(sealed: string, subject: SecretSubject): { keyId: string; payload: Buffer } {
  const [head, keyId = "", encoded = "", ...rest] = sealed.split(".");
  const payload = Buffer.from(encoded, "base64url");
  // Base64 ignores stray characters and the last character's unused bits; comparing the way back
  // makes every changed character count.
  const canonical = payload.toString("base64url") === encoded;
  const longEnough = payload.length >= wrapBytes + nonceBytes + tagBytes;
  if (head !== format || rest.length > 0 || !canonical || !longEnough) {
    throw unreadable(subject, "its stored form is damaged");
  }
  return { keyId, payload };
}

function valueContext({ owner, key, version }: SecretSubject): Buffer {
  return Buffer.from([format, "value", owner, key, String(version)].join("\0"));
}

function wrapContext(keyId: string, { owner, key, version }: SecretSubject): Buffer {
  return Buffer.from([format, "wrap", keyId, owner, key, String(version)].join("\0"));
}

function encrypt(key: Uint8Array, plain: Uint8Array, additional: Buffer, random: Random): Buffer {
  const nonce = random.bytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(additional);
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, ciphertext, cipher.getAuthTag()]);
}

function decrypt(
  key: Uint8Array,
  sealed: Uint8Array,
  additional: Buffer,
  subject: SecretSubject,
): Buffer {
  const nonce = sealed.subarray(0, nonceBytes);
  const ciphertext = sealed.subarray(nonceBytes, sealed.length - tagBytes);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(additional);
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
  try {
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  } catch (cause) {
    throw unreadable(subject, "its bytes changed, or it belongs to another key or function", cause);
  }
}

function unreadable(subject: SecretSubject, state: string, cause?: unknown): ReactorError {
  return new ReactorError(
    "storage_unavailable",
    `Cannot open the secret "${subject.key}" (version ${subject.version}): ${state}; restore the data_key it was sealed with, or set the secret again`,
    {
      details: { key: subject.key, owner: subject.owner },
      ...(cause === undefined ? {} : { cause }),
    },
  );
}
