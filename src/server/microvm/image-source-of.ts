import { bunRuntime } from "../../drivers/bun/bun-runtime.ts";
import { findBunBinary } from "../../drivers/bun/find-bun-binary.ts";
import type { ImageSource } from "../../drivers/microvm/images/image-source.ts";
import { findNodeBinary } from "../../drivers/node/find-node-binary.ts";
import { nodeRuntime } from "../../drivers/node/node-runtime.ts";
import { findPython } from "../../drivers/python/find-python.ts";
import { libraryFolders } from "../../drivers/python/library-folders.ts";
import { pythonRuntime } from "../../drivers/python/python-runtime.ts";
import type { Settings } from "../config/settings.ts";
import { runtimePlaces } from "../runtime-places.ts";

/** Runtimes that microVMs run. */
export const microvmRuntimes = ["bun", "node", "python"] as const;
export type MicrovmRuntime = (typeof microvmRuntimes)[number];

export interface SourceContext {
  readonly settings: Pick<Settings, "nativeAddons" | "nodePath" | "pythonPath">;
  /** The search path of the environment. */
  readonly searchPath: string | undefined;
}

type SourceMaker = (context: SourceContext) => ImageSource | Promise<ImageSource>;

const makers: Readonly<Record<MicrovmRuntime, SourceMaker>> = {
  bun: ({ settings: { nativeAddons }, searchPath }) => {
    const places = { ...runtimePlaces(searchPath), setting: undefined };
    const runtime = bunRuntime({ runtimeBinary: findBunBinary(places), nativeAddons });
    return { runtime, folders: [] };
  },
  node: ({ settings: { nativeAddons, nodePath }, searchPath }) => {
    const places = { ...runtimePlaces(searchPath), setting: nodePath };
    const runtime = nodeRuntime({ runtimeBinary: findNodeBinary(places), nativeAddons });
    return { runtime, folders: [] };
  },
  python: async ({ settings: { pythonPath }, searchPath }) => {
    const installation = findPython({ setting: pythonPath, searchPath });
    const folders = await libraryFolders(installation);
    return { runtime: pythonRuntime(installation), folders };
  },
};

/**
 * What the image of a runtime is made of here, found as the process drivers find it. Throws
 * `unsupported_runtime` when the runtime is not on this machine.
 */
export async function imageSourceOf(
  runtime: MicrovmRuntime,
  context: SourceContext,
): Promise<ImageSource> {
  return makers[runtime](context);
}
