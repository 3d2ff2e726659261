import { runTool } from "../../process/run-tool.ts";
import { findTool } from "../../process/sandbox-probe.ts";
import { imageFailure } from "./image-failure.ts";
import { sharedLibraries } from "./shared-libraries.ts";

/** The programs that images are made with or of, and the Debian package of each. */
export const imagePackages = {
  mke2fs: "e2fsprogs",
  debugfs: "e2fsprogs",
  busybox: "busybox-static",
  perl: "perl-base",
  ldd: "libc-bin",
  env: "coreutils",
} as const;

type ToolName = keyof typeof imagePackages;

/** Where each of them is. */
export type ImageTools = Readonly<Record<ToolName, string>>;

/** A program that is missing, or not the one that it takes. */
export interface MissingTool {
  readonly name: ToolName;
  /** `not found`, or what is wrong with it. */
  readonly reason: string;
}

/** The line that installs what is missing. */
function installLine(missing: readonly MissingTool[]): string {
  return `apt-get install ${[...new Set(missing.map(({ name }) => imagePackages[name]))].join(" ")}`;
}

/** Looks for the programs at the places where systems keep them. */
export async function lookForTools(): Promise<{
  readonly tools: Partial<ImageTools>;
  readonly missing: readonly MissingTool[];
}> {
  const names = Object.keys(imagePackages) as ToolName[];
  const tools: Partial<Record<ToolName, string>> = {};
  const missing: MissingTool[] = [];
  for (const name of names) {
    const path = findTool(name);
    if (path === undefined) missing.push({ name, reason: "not found" });
    else tools[name] = path;
  }
  const { busybox, ldd, env } = tools;
  if (busybox !== undefined && ldd !== undefined && env !== undefined) {
    // It is the first program of a machine that has no library yet.
    const libraries = await sharedLibraries([busybox], { ldd, env, runtimeEnv: {} });
    if (libraries.length > 0) missing.push({ name: "busybox", reason: "needs shared libraries" });
  }
  return { tools, missing };
}

/** The programs; throws with the line that installs what is missing. */
export async function findImageTools(): Promise<ImageTools> {
  const { tools, missing } = await lookForTools();
  if (missing.length === 0) return tools as ImageTools;
  const list = missing.map(({ name, reason }) => `${name} (${reason})`).join(", ");
  throw imageFailure(`Cannot build an image of a microVM without ${list}`, installLine(missing));
}

const toolTimeoutMs = 300_000;
const toolOutputBytesMax = 4 * 1024 * 1024;

/** Runs one of them to its end and returns what it printed; throws when it fails, with what it said. */
export async function runImageTool(path: string, args: readonly string[]): Promise<ToolOutput> {
  const options = { timeoutMs: toolTimeoutMs, outputBytesMax: toolOutputBytesMax };
  const { code, stdout, stderr, failure } = await runTool(path, args, options);
  if (code === 0) return { stdout, stderr };
  const reason = failure ?? (stderr.trim().slice(-2000) || `exit code ${code}`);
  throw new Error(`Cannot run ${path}: ${reason}`);
}

interface ToolOutput {
  readonly stdout: string;
  readonly stderr: string;
}
