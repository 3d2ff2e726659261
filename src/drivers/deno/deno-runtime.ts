import { ReactorError } from "../../domain/errors.ts";
import type { RuntimeSpec } from "../process/process-runtime.ts";

/** The oldest Deno whose permissions, proxies and console the guest is known to work with. */
const versionMin = [2, 9] as const;

/**
 * What every Deno gets: the network, of which the sandbox has only its own loopback, and for its
 * beginning the one socket that leads to the host. Modules come from the host alone.
 */
export const denoRuntime: Pick<
  RuntimeSpec,
  "args" | "socketArgs" | "unsandboxedArgs" | "env" | "mounts" | "version"
> = {
  args: [
    "run",
    "--quiet",
    "--no-prompt",
    "--no-remote",
    "--no-npm",
    "--no-config",
    "--no-lock",
    "--no-code-cache",
    "--allow-net",
    "--deny-env",
    "--deny-run",
    "--deny-sys",
    "--deny-ffi",
    "--deny-import",
  ],
  socketArgs: (path) => [`--allow-read=${path}`, `--allow-write=${path}`],
  unsandboxedArgs: [],
  env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", DENO_NO_PACKAGE_JSON: "1" },
  mounts: [],
  version: denoVersion,
};

/** Reads `deno 2.9.6 (stable, …)`; throws for a version that is too old. */
export function denoVersion(output: string): string {
  const [, version, major, minor] = /^deno ((\d+)\.(\d+)\.\S+)/.exec(output) ?? [];
  const found = [Number(major), Number(minor)] as const;
  const isKnown =
    found[0] > versionMin[0] || (found[0] === versionMin[0] && found[1] >= versionMin[1]);
  if (version !== undefined && isKnown) return version;
  throw new ReactorError(
    "unsupported_runtime",
    `Cannot run Deno functions: ${version === undefined ? "it does not tell its version" : `Deno is ${version}`}, must be ${versionMin.join(".")} or newer`,
    { details: { remedy: "Run npm ci, or name a newer one in functions.deno_path" } },
  );
}
