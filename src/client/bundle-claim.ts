import { isManifestFile } from "../domain/manifest-file.ts";

/**
 * The canonical digest of a bundle, as `src/domain/bundle-digest.ts` defines it, made with Web
 * Crypto so that it also works in browsers. Undefined where a browser withholds Web Crypto (plain
 * HTTP beyond localhost): the server then computes it alone.
 */
export async function bundleClaim(
  files: ReadonlyMap<string, Uint8Array>,
): Promise<string | undefined> {
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle;
  if (!subtle) return undefined;
  const encoder = new TextEncoder();
  const entries = [...files]
    .filter(([path]) => !isManifestFile(path))
    .map(([path, content]) => ({ path, content, order: encoder.encode(path) }))
    .sort((a, b) => compareBytes(a.order, b.order));
  let lines = "";
  for (const { path, content } of entries) {
    lines += `${path}\0${await sha256Hex(subtle, content)}\n`;
  }
  return sha256Hex(subtle, encoder.encode(lines));
}

async function sha256Hex(subtle: SubtleCrypto, bytes: Uint8Array): Promise<string> {
  const digest = await subtle.digest("SHA-256", new Uint8Array(bytes));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
