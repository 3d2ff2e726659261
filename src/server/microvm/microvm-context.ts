import { join } from "node:path";
import type { Environment } from "../../cli/environment.ts";
import { loadConfig } from "../config/load-config.ts";
import { machineSources } from "../config/machine-sources.ts";
import type { Settings } from "../config/settings.ts";
import type { SourceContext } from "./image-source-of.ts";

/** What the commands about images work with. */
export interface MicrovmContext extends SourceContext {
  readonly settings: Settings;
  /** Where images and kernels are kept. */
  readonly folder: string;
}

/** The folder of images and kernels in a data folder. */
export function microvmFolder({ dataDir }: Pick<Settings, "dataDir">): string {
  return join(dataDir, "microvm");
}

export async function openMicrovmContext(given: {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Environment;
  readonly cwd: string;
}): Promise<MicrovmContext> {
  const { settings } = await loadConfig(machineSources(given));
  return { settings, folder: microvmFolder(settings), searchPath: given.env["PATH"] };
}
