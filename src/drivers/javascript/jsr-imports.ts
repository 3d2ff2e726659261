import type { BundleFiles } from "../driver.ts";
import { canonicalRange } from "./jsr-range.ts";

/** Where an import `jsr:` leads: a file of the bundle, or why nowhere. */
export type FindJsrImport = (
  specifier: string,
) => { readonly path: string } | { readonly reason: string };

type Table = Readonly<Record<string, unknown>>;

/** Where the installer puts packages of jsr, and the table of what their imports mean. */
const jsrFolder = "node_modules/.jsr";
const specifierForm = /^jsr:\/?(@[^/@]+\/[^/@]+)(?:@([^/]*))?(\/.*)?$/;

/**
 * Reads the table of installed packages of jsr. An import means the version that the lockfile has for
 * exactly its range, and the file that the package exports under its path.
 */
export function readJsrImports(files: BundleFiles, runtime: string): FindJsrImport {
  const table = tableOf(files.get(`${jsrFolder}/imports.json`));
  const locked = new Map(
    Object.entries(tableAt(table, "specifiers")).map(([specifier, id]) => [keyOf(specifier), id]),
  );
  return (specifier) => {
    if (runtime !== "deno") {
      const reason = `"${specifier}" is a package of jsr, which functions on Deno can import, and the function's runtime is ${runtime}; copy the module into the function, or import a package of npm`;
      return { reason };
    }
    const key = keyOf(specifier);
    if (key === undefined) return { reason: `"${specifier}" is no package of jsr` };
    const id = locked.get(key);
    if (typeof id !== "string") {
      const reason = `"${specifier}" is a package of jsr that is not in deno.lock; deploy the deno.lock that deno install --entrypoint <file> makes`;
      return { reason };
    }
    const path = specifierForm.exec(specifier)?.[3] ?? "";
    const target = tableAt(tableAt(table, "packages"), id)[`.${path}`];
    if (typeof target === "string") return { path: `${jsrFolder}/${id}/${target}` };
    return { reason: `"${specifier}" is not exported by ${id} of jsr` };
  };
}

/** Package and range, the same however the range is written. */
function keyOf(specifier: string): string | undefined {
  const [, name, written = "*"] = specifierForm.exec(specifier) ?? [];
  const range = canonicalRange(written);
  return name === undefined || range === undefined ? undefined : `${name}@${range}`;
}

/** An object without a prototype, so that every key is its own. */
function tableAt(table: unknown, key: string): Table {
  const found = isTable(table) && Object.hasOwn(table, key) ? table[key] : undefined;
  return Object.assign(Object.create(null), isTable(found) ? found : {});
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null;
}

/** A table that is no JSON, which the installer never writes, has no packages. */
function tableOf(bytes: Uint8Array | undefined): unknown {
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
