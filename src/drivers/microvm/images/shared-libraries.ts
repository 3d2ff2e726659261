import { realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { runTool } from "../../process/run-tool.ts";
import { imageFailure } from "./image-failure.ts";

export interface LibrarySearch {
  readonly ldd: string;
  readonly env: string;
  /** What the programs are run with; names further folders of libraries. */
  readonly runtimeEnv: Readonly<Record<string, string>>;
}

const timeoutMs = 60_000;
const outputBytesMax = 4 * 1024 * 1024;

/**
 * The shared libraries and the loader that programs and libraries need, by their paths without links
 * in the folders, sorted. Throws when one of them is not on this machine.
 */
export async function sharedLibraries(
  files: readonly string[],
  { ldd, env, runtimeEnv }: LibrarySearch,
): Promise<readonly string[]> {
  if (files.length === 0) return [];
  const variables = Object.entries(runtimeEnv).map(([name, value]) => `${name}=${value}`);
  const args = [...variables, ldd, ...files];
  // It fails when one of the files needs no library at all.
  const { stdout, failure } = await runTool(env, args, { timeoutMs, outputBytesMax });
  if (failure !== undefined) {
    throw imageFailure(`Cannot build an image: ${ldd}: ${failure}`, "Try again");
  }
  const lost = /^\s*(\S+) => not found/m.exec(stdout);
  if (lost !== null) {
    throw imageFailure(
      `Cannot build an image: the library ${lost[1]} of ${files[0]} is not on this machine`,
      "Install the library's package, or another build of the runtime",
    );
  }
  const found = [...stdout.matchAll(/^\s+(?:\S+ => )?(\/\S+) \(0x/gm)].map(([, path = ""]) => path);
  return [...new Set(found.map(withoutFolderLinks))].sort();
}

/** `/lib` is a link to `/usr/lib`; the library's own name may be a link that its users know it by. */
function withoutFolderLinks(path: string): string {
  return join(realpathSync(dirname(path)), basename(path));
}
