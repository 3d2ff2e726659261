import { posix } from "node:path";
import { refuseDependencies } from "../dependency-error.ts";
import { isObject, own, ownObject, ownText } from "../json-object.ts";

/** A file of a package as the registry's metadata describes it. */
export interface JsrFile {
  readonly sizeBytes: number;
  /** Subresource-like text, but in hex: `sha256-<hex>`. */
  readonly sha256: string;
}

/** What the registry says about one version of a package. */
export interface VersionMetadata {
  /** By their path in the package, without a slash in front. */
  readonly files: ReadonlyMap<string, JsrFile>;
  /** Files by what is imported: `.`, `./sub`; the paths are as those of `files`. */
  readonly exports: ReadonlyMap<string, string>;
}

const pathCharsMax = 512;

/** Reads the metadata of `what`, whose bytes are those that the lockfile means. `bundle_invalid`. */
export function readVersionMetadata(bytes: Uint8Array, what: string): VersionMetadata {
  const json = parse(bytes, what);
  const files = new Map(
    Object.entries(ownObject(json, "manifest")).map(([written, entry]) => {
      const path = pathOf(written, what);
      const size = own(entry, "size");
      const checksum = /^sha256-([0-9a-f]{64})$/.exec(ownText(entry, "checksum") ?? "")?.[1];
      if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
        throw refuseDependencies(`${what}: its registry does not say the size of ${path}`);
      }
      if (checksum === undefined) {
        throw refuseDependencies(`${what}: its registry has no SHA-256 checksum of ${path}`);
      }
      return [path, { sizeBytes: size, sha256: checksum }] as const;
    }),
  );
  const exports = new Map(
    Object.entries(exportsOf(own(json, "exports"))).map(([name, target]) => {
      const path = typeof target === "string" ? posix.normalize(target) : "";
      if (files.has(path)) return [name, path] as const;
      throw refuseDependencies(
        `${what}: its export ${JSON.stringify(name.slice(0, 200))} is none of its files`,
      );
    }),
  );
  return { files, exports };
}

/** One file may be written without the name that it is imported by. */
function exportsOf(written: unknown): Readonly<Record<string, unknown>> {
  if (typeof written === "string") return { ".": written };
  return isObject(written) ? written : {};
}

function parse(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw refuseDependencies(`${what}: its metadata is no JSON: ${String(cause)}`, cause);
  }
}

function pathOf(written: string, what: string): string {
  const path = written.slice(1);
  const plain =
    written.startsWith("/") &&
    path.length <= pathCharsMax &&
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    !/[\\\u0000-\u001f\u007f]/.test(path) &&
    path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
  if (plain) return path;
  throw refuseDependencies(
    `${what}: ${JSON.stringify(written.slice(0, 200))} is no path inside of the package`,
  );
}
