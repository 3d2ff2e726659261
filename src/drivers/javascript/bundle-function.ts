import { posix } from "node:path";
import {
  type BuildFailure,
  type BuildResult,
  build,
  type Message,
  type StdinOptions,
} from "esbuild";
import { ReactorError } from "../../domain/errors.ts";
import type { Artifact, BundleFiles, PrepareRequest } from "../driver.ts";
import { bundlePlugin, type BundleUse, loaderOf, requireKey, sourceName } from "./bundle-plugin.ts";
import type { BundleTarget } from "./bundle-target.ts";
import { bannerOf, inlineSourceMap } from "./bundled-bytes.ts";
import { verbatimModule } from "./verbatim-module.ts";

const entryStems = ["code/index", "index", "handler", "main"];
const entryExtensions = [".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs", ".cjs", ".cts"];
type Built = BuildResult<{ write: false; metafile: true }>;

/** What a guest accepts in one message, less room for env and secrets. */
const moduleBytesMax = 60 * 1024 * 1024;
const logCharsMax = 64 * 1024;

/** Takes the place of the module's second line when it needs `require`; the count of lines stays. */
const requireLine =
  'import{createRequire as $reactorRequire}from"node:module";var require=$reactorRequire("/");';

/** What one build works on. */
interface Building {
  readonly files: BundleFiles;
  readonly entrypoint: string;
  readonly target: BundleTarget;
  readonly use: BundleUse;
}

/**
 * Bundles a function's files into one ES module, reading nothing but those files and the SDK. The
 * same files give the same bytes. Throws `bundle_invalid` with the build log in `details.log`.
 */
export async function bundleFunction(
  request: PrepareRequest,
  target: BundleTarget,
  signal: AbortSignal,
): Promise<Artifact> {
  signal.throwIfAborted();
  const { files, deploymentId } = request;
  const entrypoint = entryOf(files, request.manifest.entrypoint);
  const { handler } = request.manifest;
  const verbatim = await verbatimModule({ files, entrypoint, target, handler });
  if (verbatim !== undefined) return { deploymentId, entrypoint, code: verbatim };
  const use: BundleUse = { requiresBuiltins: false, missingRequires: new Map() };
  const building = { files, entrypoint, target, use };
  const built = await buildWithHandler(building, handler);
  signal.throwIfAborted();
  const code = moduleBytes(built, building);
  if (code.length > moduleBytesMax) {
    throw new ReactorError(
      "bundle_too_large",
      `Cannot deploy the function: its module has ${code.length} bytes with its imports, must have at most ${moduleBytesMax}`,
    );
  }
  return { deploymentId, entrypoint, code };
}

function entryOf(files: BundleFiles, wanted: string | undefined): string {
  const candidates =
    wanted === undefined
      ? entryStems.flatMap((stem) => entryExtensions.map((extension) => stem + extension))
      : [posix.normalize(wanted)];
  const found = candidates.find((path) => files.has(path));
  if (found !== undefined) return found;
  const reason =
    wanted === undefined
      ? `it has none of ${entryStems.map((stem) => `${stem}.*`).join(", ")}; name one as "entrypoint" in the manifest`
      : `its entrypoint "${wanted}" is not among the files`;
  throw invalid(`Cannot bundle the function: ${reason}`, [...files.keys()].slice(0, 50).join("\n"));
}

/**
 * Builds the module, and exports a top-level `handler` that the author did not export when there is
 * nothing else to call. esbuild itself says whether it is there: building with `export { handler }`
 * at the end fails when it is not declared.
 */
async function buildWithHandler(building: Building, wanted: string | undefined): Promise<Built> {
  const { files, entrypoint } = building;
  const built = await buildModule(building);
  const source = files.get(entrypoint);
  if (wanted !== undefined || source === undefined || !lacksHandler(built, entrypoint))
    return built;
  const exporting = Buffer.concat([source, Buffer.from("\n;export { handler };\n")]);
  try {
    const extended = new Map([...files, [entrypoint, exporting]]);
    return await buildModule({ ...building, files: extended });
  } catch (error) {
    // No such binding: the module stays as it is, and the guest says what it lacks.
    if (error instanceof ReactorError && error.code === "bundle_invalid") return built;
    throw error;
  }
}

function lacksHandler(built: Built, entrypoint: string): boolean {
  const input = Object.entries(built.metafile.inputs).find(
    ([path]) => sourceName(path) === entrypoint,
  );
  if (input === undefined || input[1].format === "cjs") return false;
  const names = Object.values(built.metafile.outputs).flatMap((output) => output.exports);
  return !names.includes("handler") && !names.includes("default");
}

async function buildModule({ files, entrypoint, target, use }: Building): Promise<Built> {
  const tsconfig = files.get("tsconfig.json");
  const alone = moduleAlone(files, entrypoint);
  try {
    return await build({
      ...(alone === undefined ? { entryPoints: [entrypoint] } : { stdin: alone }),
      outfile: "/function.js",
      bundle: true,
      write: false,
      metafile: true,
      format: "esm",
      target: "esnext",
      // Binary files would be read by Uint8Array.fromBase64, which Node 20 lacks.
      supported: { "from-base64": false },
      platform: "node",
      jsx: "automatic",
      sourcemap: "external",
      sourcesContent: false,
      legalComments: "inline",
      logLevel: "silent",
      banner: { js: bannerOf(target) },
      // Loaders of addons look beside themselves first, by names that an ES module does not have.
      ...(target.addonRefusal === undefined && {
        define: { __dirname: '"/"', __filename: '"/function.js"' },
      }),
      plugins: [bundlePlugin(files, target, use)],
      ...(tsconfig !== undefined && { tsconfigRaw: new TextDecoder().decode(tsconfig) }),
    });
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    const lines = error.errors.map((message) => describe(message, use));
    throw invalid(`Cannot bundle the function: ${lines[0] ?? error.message}`, lines.join("\n"));
  }
}

/** Words without which nothing is imported. */
const importing = ["import", "require", "from"];

/**
 * The entry module as esbuild takes it at once, when it imports nothing: its file and every import
 * are questions that its process asks ours, each of which takes longer than the build.
 */
function moduleAlone(files: BundleFiles, entrypoint: string): StdinOptions | undefined {
  const contents = files.get(entrypoint);
  const loader = loaderOf(entrypoint);
  if (contents === undefined || loader === undefined) return undefined;
  const { buffer, byteOffset, byteLength } = contents;
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  // JSX imports its runtime without a word.
  if (["tsx", "jsx"].includes(loader) && bytes.includes("<")) return undefined;
  if (importing.some((word) => bytes.includes(word))) return undefined;
  return { contents, loader, sourcefile: entrypoint };
}

/**
 * The module with its source map inline, so that stack traces name the author's files and lines.
 * Put together of bytes, since both parts may have megabytes.
 */
function moduleBytes(result: Built, { target, use }: Building): Buffer {
  const bytes = (suffix: string): Buffer => {
    const file = result.outputFiles.find(({ path }) => path.endsWith(suffix));
    const { buffer, byteOffset, length } = file?.contents ?? new Uint8Array();
    return Buffer.from(buffer, byteOffset, length);
  };
  const code = bytes(".js");
  const body = use.requiresBuiltins
    ? [Buffer.from(`${target.mark}\n${requireLine}`), code.subarray(bannerOf(target).length)]
    : [code];
  return Buffer.concat([...body, inlineMap(bytes(".map"))]);
}

/** The map with the names of its sources as their author knows them; its mappings are not touched. */
function inlineMap(map: Buffer): Buffer {
  // Quotes inside of a text are escaped, so this can only be the key.
  const mappingsAt = map.indexOf('"mappings"');
  const start: { sources: string[] } = JSON.parse(
    `${map.toString("utf8", 0, mappingsAt)}"mappings":""}`,
  );
  return inlineSourceMap(start.sources.map(sourceName), map.subarray(mappingsAt));
}

function describe(message: Message, use: BundleUse): string {
  const { location } = message;
  if (location === null) return message.text;
  const file = sourceName(location.file);
  const [, specifier] = /^Could not resolve "(.*)"$/.exec(message.text) ?? [];
  const reason = use.missingRequires.get(requireKey(file, specifier ?? ""));
  const text = reason === undefined ? message.text : `Cannot resolve: ${reason}`;
  const place = `${file}:${location.line}:${location.column + 1}`;
  return `${place}: ${text}\n    ${location.lineText.slice(0, 200)}`;
}

function invalid(message: string, log: string): ReactorError {
  return new ReactorError("bundle_invalid", message.slice(0, 2000), {
    details: { log: log.slice(0, logCharsMax) },
  });
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && "errors" in error && Array.isArray(error.errors);
}
