import type { BundleFiles } from "../driver.ts";

/** What an import means by the function's deno.json; itself when that says nothing. */
export type RenameImport = (specifier: string) => string;

/**
 * The `imports` of the function's deno.json: names, folders that end in a slash, and what lies below
 * a name that stands for a package. A file that is no such JSON renames nothing.
 */
export function readDenoImports(files: BundleFiles): RenameImport {
  const imports = importsOf(files.get("deno.json"));
  // The longest first: it is the one that counts.
  const names = [...imports.keys()].toSorted((a, b) => b.length - a.length);
  return (specifier) => {
    const exact = imports.get(specifier);
    if (exact !== undefined) return exact;
    const name = names.find((candidate) => {
      const isPackage = /^(?:npm|jsr):/.test(imports.get(candidate) ?? "");
      return candidate.endsWith("/")
        ? specifier.startsWith(candidate)
        : isPackage && specifier.startsWith(`${candidate}/`);
    });
    if (name === undefined) return specifier;
    return `${imports.get(name)}${specifier.slice(name.length)}`;
  };
}

function importsOf(bytes: Uint8Array | undefined): ReadonlyMap<string, string> {
  if (bytes === undefined) return new Map();
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const imports =
      typeof json === "object" && json !== null && "imports" in json ? json.imports : undefined;
    const entries = Object.entries(typeof imports === "object" && imports !== null ? imports : {});
    return new Map(
      entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
    );
  } catch {
    return new Map();
  }
}

/**
 * The package and path that `npm:name@range/path` means. The range is the lockfile's business: what
 * it says is installed under the name.
 */
export function packageOfNpm(specifier: string): string {
  return specifier.replace(/^npm:\/?((?:@[^/@]+\/)?[^/@]+)(?:@[^/]*)?/, "$1");
}
