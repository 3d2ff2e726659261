import { builtinModules } from "node:module";
import { posix } from "node:path";
import type { BundleFiles } from "../driver.ts";
import type { BundleTarget } from "./bundle-target.ts";
import { packageOfNpm, readDenoImports, type RenameImport } from "./deno-imports.ts";
import { type FindJsrImport, readJsrImports } from "./jsr-imports.ts";
import {
  type Conditions,
  conditionsOf,
  type ImportKind,
  packageTarget,
} from "./package-exports.ts";

/** Where an import leads. */
export type Resolution =
  | { readonly kind: "file"; readonly path: string; readonly sideEffects: boolean }
  | { readonly kind: "builtin"; readonly name: string }
  | { readonly kind: "sdk" }
  | { readonly kind: "missing"; readonly reason: string };

/** What the resolver reads of a package.json. */
export interface PackageJson {
  readonly name?: unknown;
  readonly main?: unknown;
  readonly module?: unknown;
  readonly exports?: unknown;
  readonly imports?: unknown;
  readonly sideEffects?: unknown;
}

const sdkNames: ReadonlySet<string> = new Set(["@reactor/functions", "@flux/functions"]);
const extensions = [".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".json", ".node"];
/** TypeScript sources name the file that a compiler would write. */
const sourceExtensions: Readonly<Record<string, readonly string[]>> = {
  ".js": [".ts", ".tsx"],
  ".jsx": [".tsx"],
  ".mjs": [".mts"],
  ".cjs": [".cts"],
};
const nodeBuiltins: ReadonlySet<string> = new Set(
  builtinModules.filter((name) => !name.includes(":") && !["bun", "ws", "undici"].includes(name)),
);

/** Finds modules among a bundle's files by Node's rules; nothing outside of them exists. */
export class BundleResolver {
  readonly #files: BundleFiles;
  readonly #target: BundleTarget;
  readonly #conditions: Conditions;
  readonly #packages = new Map<string, PackageJson | undefined>();
  readonly #rename: RenameImport;
  readonly #jsr: FindJsrImport;

  constructor(files: BundleFiles, target: BundleTarget) {
    this.#files = files;
    this.#target = target;
    this.#conditions = conditionsOf(target.conditions);
    this.#rename = target.runtime === "deno" ? readDenoImports(files) : (specifier) => specifier;
    this.#jsr = readJsrImports(files, target.runtime);
  }

  /** Resolves what a file in folder `fromDir` ("" is the root) imports. */
  resolve(written: string, fromDir: string, kind: ImportKind): Resolution {
    const own = !fromDir.split("/").includes("node_modules");
    const renamed = own ? this.#rename(written) : written;
    // A path of the function's deno.json counts from there.
    if (renamed !== written && renamed.startsWith("./")) return this.#file(renamed, renamed);
    return this.#resolve(renamed, fromDir, kind);
  }

  #resolve(specifier: string, fromDir: string, kind: ImportKind): Resolution {
    if (sdkNames.has(specifier)) return { kind: "sdk" };
    const { schemes, bareNames, runtime } = this.#target;
    if (bareNames.includes(specifier) || schemes.some((scheme) => specifier.startsWith(scheme))) {
      return { kind: "builtin", name: specifier };
    }
    if (specifier.startsWith("bun:") || specifier === "bun") {
      return missing(
        `"${specifier}" is a module of Bun's own, and the function's runtime is ${runtime}`,
      );
    }
    if (specifier.startsWith("npm:") && runtime === "deno") {
      return this.#package(packageOfNpm(specifier), "", kind);
    }
    if (specifier.startsWith("jsr:")) {
      const found = this.#jsr(specifier);
      return "path" in found ? this.#file(found.path, specifier) : missing(found.reason);
    }
    if (nodeBuiltins.has(specifier)) return { kind: "builtin", name: `node:${specifier}` };
    if (specifier.startsWith("#")) return this.#internal(specifier, fromDir, kind);
    if (specifier.startsWith("/")) {
      return missing(`"${specifier}" is an absolute path; import it relative to the file`);
    }
    if (/^\.\.?(?:\/|$)/.test(specifier)) {
      return this.#file(posix.join(fromDir, specifier), specifier);
    }
    return this.#package(specifier, fromDir, kind);
  }

  /** The file that a path without an extension, or of a folder, means. */
  #file(path: string, specifier: string): Resolution {
    const clean = posix.normalize(path).replace(/\/$/, "");
    if (clean === ".." || clean.startsWith("../")) {
      return missing(`"${specifier}" lies outside of the bundle`);
    }
    const found = this.#existing(clean === "." ? "" : clean);
    if (found === undefined) return missing(`"${specifier}" is not in the bundle`);
    return { kind: "file", path: found, sideEffects: this.#sideEffects(found) };
  }

  #existing(path: string): string | undefined {
    if (this.#files.has(path)) return path;
    const extension = posix.extname(path);
    const stem = path.slice(0, path.length - extension.length);
    const candidates = [
      ...(sourceExtensions[extension] ?? []).map((source) => stem + source),
      ...(path === "" ? [] : extensions.map((added) => path + added)),
    ];
    return candidates.find((candidate) => this.#files.has(candidate)) ?? this.#folder(path);
  }

  #folder(path: string): string | undefined {
    const { main, module } = this.#packageJson(path) ?? {};
    for (const entry of [main, module]) {
      if (typeof entry !== "string") continue;
      const target = posix.join(path, entry);
      const found = target === path ? undefined : this.#existing(target.replace(/\/$/, ""));
      if (found !== undefined) return found;
    }
    return extensions
      .map((extension) => posix.join(path, `index${extension}`))
      .find((candidate) => this.#files.has(candidate));
  }

  #package(specifier: string, fromDir: string, kind: ImportKind): Resolution {
    const match = /^(@[^/]+\/[^/]+|[^@/][^/]*)(\/.*)?$/.exec(specifier);
    const name = match?.[1];
    if (name === undefined) return missing(`"${specifier}" is no module name`);
    const subpath = `.${match?.[2] ?? ""}`;
    for (const dir of ancestors(fromDir)) {
      const own = this.#packageJson(dir);
      if (own?.name === name && own.exports !== undefined) {
        return this.#exported(dir, own, subpath, specifier, kind);
      }
      if (posix.basename(dir) === "node_modules") continue;
      const root = posix.join(dir, "node_modules", name);
      const found = this.#packageJson(root);
      if (found?.exports !== undefined && found.exports !== null) {
        return this.#exported(root, found, subpath, specifier, kind);
      }
      const file = this.#existing(posix.join(root, subpath));
      if (file !== undefined) {
        return { kind: "file", path: file, sideEffects: this.#sideEffects(file) };
      }
    }
    return missing(`"${specifier}" is not in the bundle; ${remedyFor(name)}`);
  }

  #exported(
    root: string,
    pkg: PackageJson,
    subpath: string,
    specifier: string,
    kind: ImportKind,
  ): Resolution {
    const target = packageTarget(pkg.exports, subpath, this.#conditions[kind]);
    if (target === undefined) {
      return missing(`"${specifier}" is not exported by ${posix.join(root, "package.json")}`);
    }
    return this.#file(posix.join(root, target), specifier);
  }

  /** `#name`, by the `imports` of the nearest package. */
  #internal(specifier: string, fromDir: string, kind: ImportKind): Resolution {
    for (const dir of ancestors(fromDir)) {
      const pkg = this.#packageJson(dir);
      if (pkg === undefined) continue;
      const target = packageTarget(pkg.imports, specifier, this.#conditions[kind]);
      if (target === undefined) break;
      return target.startsWith("./")
        ? this.#file(posix.join(dir, target), specifier)
        : this.#resolve(target, dir, kind);
    }
    return missing(`"${specifier}" is not among the imports of the nearest package.json`);
  }

  /** False when the file's package promises that unused modules may be dropped. */
  #sideEffects(path: string): boolean {
    for (const dir of ancestors(posix.dirname(path))) {
      // What the function says of itself is not about its packages.
      if (posix.basename(dir) === "node_modules") return true;
      const pkg = this.#packageJson(dir);
      if (pkg !== undefined) return pkg.sideEffects !== false;
    }
    return true;
  }

  #packageJson(dir: string): PackageJson | undefined {
    if (this.#packages.has(dir)) return this.#packages.get(dir);
    const bytes = this.#files.get(posix.join(dir, "package.json"));
    const parsed = bytes === undefined ? undefined : parsePackage(bytes);
    this.#packages.set(dir, parsed);
    return parsed;
  }
}

/** A package.json that is no JSON object says nothing; esbuild reports it when it is imported. */
function parsePackage(bytes: Uint8Array): PackageJson | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** The folder and every one above it up to the root, which is "". */
function ancestors(dir: string): string[] {
  const parts = dir === "" || dir === "." ? [] : dir.split("/");
  return Array.from({ length: parts.length + 1 }, (_, index) =>
    parts.slice(0, parts.length - index).join("/"),
  );
}

function remedyFor(name: string): string {
  return /^(?:@[\w.-]+\/)?[\w.-]+$/.test(name)
    ? `install it (npm install ${name}) and deploy package.json with its lockfile, or node_modules`
    : "add the file and import it by its path";
}

function missing(reason: string): Resolution {
  return { kind: "missing", reason };
}
