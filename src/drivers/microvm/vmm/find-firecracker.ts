import { runTool } from "../../process/run-tool.ts";
import { findTool } from "../../process/sandbox-probe.ts";

const versionMs = 20_000;
/** The oldest whose API has what is asked of it; last came a balloon that reports free pages. */
const oldest = [1, 14] as const;

export interface FirecrackerProgram {
  readonly path: string;
  readonly version: string;
}

/** Firecracker on this machine, of a version whose API is known; undefined when there is none. */
export async function findFirecracker(
  path = findTool("firecracker"),
): Promise<FirecrackerProgram | undefined> {
  if (path === undefined) return undefined;
  const { stdout } = await runTool(path, ["--version"], { timeoutMs: versionMs });
  const [, version, major, minor] = /^Firecracker v((\d+)\.(\d+)\.\d+)/.exec(stdout) ?? [];
  if (version === undefined) return undefined;
  const isKnown =
    Number(major) > oldest[0] || (Number(major) === oldest[0] && Number(minor) >= oldest[1]);
  return isKnown ? { path, version } : undefined;
}
