import { posix } from "node:path";
import { ReactorError } from "../../domain/errors.ts";
import type { Artifact, BundleFiles, PrepareRequest } from "../driver.ts";
import { writeZip, zipEntriesMax } from "./write-zip.ts";

const entryCandidates = ["code/index.py", "index.py", "handler.py", "main.py"];
/** What a guest accepts in one message, less room for env and secrets. */
const archiveBytesMax = 60 * 1024 * 1024;
const nativeEndings = [".so", ".pyd", ".dylib"];
const listedMax = 50;

/**
 * Packs a function's files into one archive. The same files give the same bytes. Throws
 * `bundle_invalid` when the entry point is missing, or when a file is native code and that is not
 * allowed.
 */
export async function packFunction(
  request: PrepareRequest,
  signal: AbortSignal,
  { allowsNative }: { readonly allowsNative: boolean } = { allowsNative: false },
): Promise<Artifact> {
  signal.throwIfAborted();
  const { deploymentId, files, manifest } = request;
  const entrypoint = entryOf(files, manifest.entrypoint);
  if (!allowsNative) refuseNative(files);
  const code = await writeZip(new Map([...files].filter(([path]) => !isCached(path))));
  signal.throwIfAborted();
  if (code.length > archiveBytesMax || files.size > zipEntriesMax) {
    throw new ReactorError(
      "bundle_too_large",
      `Cannot deploy the function: it has ${files.size} files and ${code.length} bytes packed, must have at most ${zipEntriesMax} and ${archiveBytesMax}`,
    );
  }
  return { deploymentId, entrypoint, code };
}

function entryOf(files: BundleFiles, wanted: string | undefined): string {
  const candidates = wanted === undefined ? entryCandidates : [posix.normalize(wanted)];
  const found = candidates.find((path) => files.has(path));
  if (found?.endsWith(".py")) return found;
  const reason = found
    ? `its entrypoint "${found}" is no .py file`
    : wanted === undefined
      ? `it has none of ${entryCandidates.join(", ")}; name one as "entrypoint" in the manifest`
      : `its entrypoint "${wanted}" is not among the files`;
  throw invalid(reason, [...files.keys()].slice(0, listedMax));
}

function refuseNative(files: BundleFiles): void {
  const native = [...files.keys()].filter((path) =>
    nativeEndings.some((ending) => path.endsWith(ending) || path.includes(`${ending}.`)),
  );
  if (native.length === 0) return;
  throw invalid(
    `"${native[0]}" is native code, which is not loaded unless the operator sets functions.native_addons; or use packages that are pure Python (wheels named *-none-any.whl)`,
    native.slice(0, listedMax),
  );
}

/** Compiled files are of the machine that wrote them; the interpreter compiles the sources itself. */
function isCached(path: string): boolean {
  return path.endsWith(".pyc") || path.split("/").includes("__pycache__");
}

function invalid(reason: string, log: readonly string[]): ReactorError {
  return new ReactorError("bundle_invalid", `Cannot bundle the function: ${reason}`, {
    details: { log: log.join("\n") },
  });
}
