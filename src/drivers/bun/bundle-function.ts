import { posix } from "node:path";
import { type BuildFailure, type BuildResult, build, type Message } from "esbuild";
import { ReactorError } from "../../domain/errors.ts";
import type { Artifact, BundleFiles, PrepareRequest } from "../driver.ts";
import { bundlePlugin, type BundleUse, sourceName } from "./bundle-plugin.ts";

const entryStems = ["code/index", "index", "handler", "main"];
const entryExtensions = [".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs", ".cjs", ".cts"];
type Built = BuildResult<{ write: false; metafile: true }>;

/** What a guest accepts in one message, less room for env and secrets. */
const moduleBytesMax = 60 * 1024 * 1024;
const logCharsMax = 64 * 1024;

/**
 * The first lines of every module: Bun runs marked files as they are and honours their source map.
 * The second is replaced when the module needs `require`; the count of lines stays.
 */
const banner = "// @bun\n//";
const requireLine =
  'import{createRequire as $reactorRequire}from"node:module";var require=$reactorRequire("/");';

/**
 * Bundles a function's files into one ES module, reading nothing but those files and the SDK. The
 * same files give the same bytes. Throws `bundle_invalid` with the build log in `details.log`.
 */
export async function bundleFunction(
  request: PrepareRequest,
  signal: AbortSignal,
): Promise<Artifact> {
  signal.throwIfAborted();
  const { files, deploymentId } = request;
  const entrypoint = entryOf(files, request.manifest.entrypoint);
  const use: BundleUse = { requiresBuiltins: false };
  const built = await buildWithHandler(files, entrypoint, request.manifest.handler, use);
  signal.throwIfAborted();
  const code = Buffer.from(moduleText(built, use));
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
async function buildWithHandler(
  files: BundleFiles,
  entrypoint: string,
  wanted: string | undefined,
  use: BundleUse,
): Promise<Built> {
  const built = await buildModule(files, entrypoint, use);
  const source = files.get(entrypoint);
  if (wanted !== undefined || source === undefined || !lacksHandler(built, entrypoint))
    return built;
  const exporting = Buffer.concat([source, Buffer.from("\n;export { handler };\n")]);
  try {
    const extended = new Map([...files, [entrypoint, exporting]]);
    return await buildModule(extended, entrypoint, use);
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

async function buildModule(files: BundleFiles, entrypoint: string, use: BundleUse): Promise<Built> {
  const tsconfig = files.get("tsconfig.json");
  try {
    return await build({
      entryPoints: [entrypoint],
      outfile: "/function.js",
      bundle: true,
      write: false,
      metafile: true,
      format: "esm",
      target: "esnext",
      platform: "node",
      jsx: "automatic",
      sourcemap: "external",
      sourcesContent: false,
      legalComments: "inline",
      logLevel: "silent",
      banner: { js: banner },
      plugins: [bundlePlugin(files, use)],
      ...(tsconfig !== undefined && { tsconfigRaw: new TextDecoder().decode(tsconfig) }),
    });
  } catch (error) {
    if (!isBuildFailure(error)) throw error;
    const lines = error.errors.map(describe);
    throw invalid(`Cannot bundle the function: ${lines[0] ?? error.message}`, lines.join("\n"));
  }
}

/** The module with its source map inline, so that stack traces name the author's files and lines. */
function moduleText(result: Built, use: BundleUse): string {
  const text = (suffix: string): string =>
    result.outputFiles.find((file) => file.path.endsWith(suffix))?.text ?? "";
  const code = text(".js");
  const built: { sources: string[] } = JSON.parse(text(".map"));
  const sources = built.sources.map(sourceName);
  // Bun refuses a map without the sources' text, but needs it for no stack trace.
  const map = { ...built, sources, sourcesContent: sources.map(() => "") };
  const inline = Buffer.from(JSON.stringify(map)).toString("base64");
  const body = use.requiresBuiltins ? `// @bun\n${requireLine}${code.slice(banner.length)}` : code;
  return `${body}//# sourceMappingURL=data:application/json;base64,${inline}\n`;
}

function describe(message: Message): string {
  const { location, text } = message;
  if (location === null) return text;
  const place = `${sourceName(location.file)}:${location.line}:${location.column + 1}`;
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
