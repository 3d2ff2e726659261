import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import { createEgressDecider } from "../domain/egress-decision.ts";
import { ReactorError } from "../domain/errors.ts";
import type { Runtime } from "../domain/manifest.ts";
import { createDependencyInstaller } from "./create-dependency-installer.ts";
import type { Installed } from "./dependency-installer.ts";
import { createDownload } from "./download.ts";
import { createNpmRegistry } from "./npm/npm-registry.ts";
import { openTreeCache } from "./tree-cache.ts";

/** Contents by path. */
type TestFiles = Readonly<Record<string, string | Uint8Array>>;

export interface InstallBench {
  /** Installs for files given as text. */
  install(
    files: TestFiles,
    options?: { readonly signal?: AbortSignal; readonly runtime?: Runtime },
  ): Promise<Installed>;
  /** The refusal of an install that must fail. */
  refusal(files: TestFiles, options?: { readonly runtime?: Runtime }): Promise<ReactorError>;
  readonly cacheFolder: string;
  close(): void;
}

export interface BenchOptions {
  /** The operator's registry; absent: the lockfile says. */
  readonly registry?: string;
  readonly jsrRegistry?: string;
  readonly pythonIndex?: string;
  readonly privateAllow?: readonly string[];
  readonly idleTimeoutMs?: number;
  readonly timeoutMs?: number;
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  readonly cacheBytesMax?: number;
  readonly nativeAddons?: boolean;
  /** Several installers, one after the other, on one cache. */
  readonly cacheFolder?: string;
}

/** An installer with real sockets and a cache in a folder of its own, for Linux on x64. */
export async function openInstallBench(options: BenchOptions = {}): Promise<InstallBench> {
  const cacheFolder = options.cacheFolder ?? mkdtempSync(join(tmpdir(), "reactor-install-"));
  const { registry, jsrRegistry, pythonIndex } = options;
  const own = [registry, jsrRegistry, pythonIndex].flatMap((url) =>
    url === undefined ? [] : [new URL(url).host],
  );
  const clock = systemClock;
  const installer = createDependencyInstaller({
    download: createDownload({
      decide: createEgressDecider({
        privateAllow: [...own, ...(options.privateAllow ?? [])],
        denied: () => [],
        own: () => [],
        resolve:
          options.resolve ??
          (async (host) => {
            throw new Error(`nobody knows ${host}`);
          }),
      }),
      clock,
      idleTimeoutMs: options.idleTimeoutMs ?? 10_000,
      retryDelaysMs: [1, 1],
    }),
    cache: await openTreeCache({
      folder: cacheFolder,
      bytesMax: options.cacheBytesMax ?? 1e9,
      clock,
      log: silentLog,
    }),
    clock,
    platform: { os: "linux", cpu: "x64", libc: "glibc", libcVersion: "2.36" },
    nativeAddons: options.nativeAddons ?? false,
    npmRegistry: createNpmRegistry({ setting: registry, machine: async () => undefined }),
    jsrRegistry,
    pythonVersion: "3.11.2",
    pythonIndex: options.pythonIndex,
    timeoutMs: options.timeoutMs ?? 120_000,
  });
  const install: InstallBench["install"] = (files, { signal, runtime = "bun" } = {}) =>
    installer.install(
      {
        runtime,
        files: new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)])),
      },
      signal ?? new AbortController().signal,
    );
  return {
    install,
    async refusal(files, refused) {
      const outcome = await install(files, refused).catch((error: unknown) => error);
      if (outcome instanceof ReactorError) return outcome;
      throw new Error(`it was not refused: ${String(outcome)}`);
    },
    cacheFolder,
    close: () => rmSync(cacheFolder, { recursive: true, force: true }),
  };
}
