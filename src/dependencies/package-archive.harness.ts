import { createHash } from "node:crypto";
import { rawGzip, rawTar, tarEntry } from "../archive/raw-tar.harness.ts";

/** What a test's package holds; `package.json` gets name and version unless it is given. */
export interface TestPackage {
  readonly name: string;
  readonly version: string;
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Further keys of package.json. */
  readonly json?: Readonly<Record<string, unknown>>;
  /** The archive itself, in place of one made of the above. */
  readonly archive?: Uint8Array;
}

/** A package's archive as npm packs it. */
export function packageArchive({ name, version, files = {}, json, archive }: TestPackage): Buffer {
  if (archive !== undefined) return Buffer.from(archive);
  const all = { "package.json": JSON.stringify({ name, version, ...json }), ...files };
  const entries = Object.entries(all).map(([path, body]) =>
    tarEntry({ name: `package/${path}`, body }),
  );
  return rawGzip(rawTar(...entries));
}

export function integrityOf(archive: Uint8Array): string {
  return `sha512-${createHash("sha512").update(archive).digest("base64")}`;
}
