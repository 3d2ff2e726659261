import { join, posix } from "node:path";
import type {
  Loader,
  OnLoadArgs,
  OnLoadResult,
  OnResolveArgs,
  OnResolveResult,
  Plugin,
} from "esbuild";
import { unreachable } from "../../base/assert.ts";
import type { BundleFiles } from "../driver.ts";
import { addonModule } from "./addon-module.ts";
import { BundleResolver, type Resolution } from "./bundle-resolver.ts";
import type { BundleTarget } from "./bundle-target.ts";

const namespace = "bundle";
const sdkEntry = join(import.meta.dirname, "..", "..", "..", "sdk", "index.ts");

/** What the build found out about the code. */
export interface BundleUse {
  /** CommonJS code requires the runtime's own modules. */
  requiresBuiltins: boolean;
  /** Why a require leads nowhere, by `requireKey`; the build fails of those that no `try` holds. */
  readonly missingRequires: Map<string, string>;
}

const loaders: Readonly<Record<string, Loader>> = {
  ".ts": "ts",
  ".mts": "ts",
  ".cts": "ts",
  ".tsx": "tsx",
  ".js": "jsx",
  ".mjs": "jsx",
  ".cjs": "jsx",
  ".jsx": "jsx",
  ".json": "json",
  ".txt": "text",
  ".md": "text",
  ".html": "text",
  ".css": "text",
  ".sql": "text",
  ".csv": "text",
  ".xml": "text",
  ".svg": "text",
  ".graphql": "text",
  ".wasm": "binary",
  ".bin": "binary",
  ".png": "binary",
  ".jpg": "binary",
  ".gif": "binary",
  ".webp": "binary",
  ".ico": "binary",
  ".pdf": "binary",
  ".ttf": "binary",
  ".woff2": "binary",
};
/** Loaders by import attribute, `import x from "./y" with { type: "text" }`. */
const attributeLoaders: Readonly<Record<string, Loader>> = {
  json: "json",
  text: "text",
  bytes: "binary",
};

/** Lets esbuild see a bundle's files, the SDK and nothing else. */
export function bundlePlugin(files: BundleFiles, target: BundleTarget, use: BundleUse): Plugin {
  const resolver = new BundleResolver(files, target);
  return {
    name: "reactor-bundle",
    setup(build) {
      build.onResolve({ filter: /.*/ }, (args) => {
        if (args.kind === "entry-point") {
          // esbuild writes `./` before the name of a file that its working folder happens to have.
          return { path: args.path.replace(/^\.\//, ""), namespace };
        }
        // The SDK's own imports are esbuild's to resolve.
        if (args.namespace !== namespace) return undefined;
        return resolveImport(resolver, args, use);
      });
      build.onLoad({ filter: /.*/, namespace }, (args) => loadFile(files, target, args));
    },
  };
}

/** How a file is read by its name alone; undefined when that does not say. */
export function loaderOf(file: string): Loader | undefined {
  return loaders[posix.extname(file).toLowerCase()];
}

/** A source's name as the author knows it. */
export function sourceName(file: string): string {
  return file.startsWith(`${namespace}:`) ? file.slice(namespace.length + 1) : file;
}

function resolveImport(
  resolver: BundleResolver,
  args: OnResolveArgs,
  use: BundleUse,
): OnResolveResult | undefined {
  const isRequire = args.kind === "require-call" || args.kind === "require-resolve";
  const dir = posix.dirname(args.importer);
  const resolution: Resolution = resolver.resolve(
    args.path,
    dir === "." ? "" : dir,
    isRequire ? "require" : "import",
  );
  switch (resolution.kind) {
    case "builtin":
      if (isRequire) use.requiresBuiltins = true;
      return { path: resolution.name, external: true };
    case "sdk":
      return { path: sdkEntry, namespace: "file" };
    case "file":
      return { path: resolution.path, namespace, sideEffects: resolution.sideEffects };
    case "missing":
      if (isOptionalRequire(args)) {
        use.missingRequires.set(requireKey(args.importer, args.path), resolution.reason);
        // esbuild alone knows whether it stands in a `try`. It has no folder to look in.
        return undefined;
      }
      return { errors: [{ text: `Cannot resolve: ${resolution.reason}` }] };
  }
  return unreachable(resolution);
}

/** A file's require of a name, as one text. */
export function requireKey(importer: string, specifier: string): string {
  return JSON.stringify([importer, specifier]);
}

/** Whether code may go without it: URLs and absolute paths mean something to esbuild itself. */
function isOptionalRequire({ kind, path }: OnResolveArgs): boolean {
  return kind === "require-call" && !path.startsWith("/") && !path.includes(":");
}

function loadFile(files: BundleFiles, target: BundleTarget, args: OnLoadArgs): OnLoadResult {
  const contents = files.get(args.path);
  if (contents === undefined) return { errors: [{ text: `"${args.path}" is not in the bundle` }] };
  if (posix.extname(args.path).toLowerCase() === ".node") {
    const { addonRefusal } = target;
    if (addonRefusal === undefined) return { contents: addonModule(args.path, contents) };
    return { errors: [{ text: `"${args.path}" is a native addon, ${addonRefusal}` }] };
  }
  const attribute = args.with["type"];
  const loader = attribute === undefined ? loaderOf(args.path) : attributeLoaders[attribute];
  if (loader === undefined) {
    const known = Object.keys(loaders).join(" ");
    const text = `"${args.path}" has no loader; import it with { type: "text" } or { type: "bytes" }, or as one of ${known}`;
    return { errors: [{ text }] };
  }
  return { contents, loader };
}
