import type { Runtime } from "../domain/manifest.ts";

export interface InstallRequest {
  readonly runtime: Runtime;
  /** The function's files as they were uploaded. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export interface Installed {
  /** The function's files with those of its packages. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** What the deployment's log says, one line each; empty when there was nothing to do. */
  readonly notes: readonly string[];
}

/** Gives functions the packages that their lockfile names. */
export interface DependencyInstaller {
  /**
   * Installs exactly what the lockfile says, or nothing. Throws ReactorError whose `details.log` is
   * the reason: `bundle_invalid`, `bundle_too_large`, `egress_denied` or `dependencies_unavailable`.
   */
  install(request: InstallRequest, signal: AbortSignal): Promise<Installed>;
}
