import { createHash, timingSafeEqual } from "node:crypto";

/** Strongest first; weaker ones (md5, sha1) prove nothing against somebody who wants to deceive. */
const algorithms: readonly { readonly name: string; readonly bytes: number }[] = [
  { name: "sha512", bytes: 64 },
  { name: "sha384", bytes: 48 },
  { name: "sha256", bytes: 32 },
];

export interface Integrity {
  readonly algorithm: string;
  /** Any of them. */
  readonly digests: readonly Buffer[];
}

/** Reads subresource integrity text; undefined when no hash in it is strong enough. */
export function parseIntegrity(text: string): Integrity | undefined {
  const found = text.slice(0, 4096).split(/\s+/);
  for (const { name, bytes } of algorithms) {
    const digests = found
      .filter((hash) => hash.startsWith(`${name}-`))
      .map((hash) => Buffer.from(hash.slice(name.length + 1).replace(/\?.*$/, ""), "base64"))
      .filter((digest) => digest.length === bytes);
    if (digests.length > 0) return { algorithm: name, digests };
  }
  return undefined;
}

/** Whether bytes are those that the integrity was made of. */
export function matchesIntegrity(bytes: Uint8Array, { algorithm, digests }: Integrity): boolean {
  const digest = createHash(algorithm).update(bytes).digest();
  return digests.some((wanted) => timingSafeEqual(wanted, digest));
}
