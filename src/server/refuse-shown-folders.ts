import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ConfigError } from "./config/config-error.ts";
import type { Settings } from "./config/settings.ts";

/** What every sandbox shows to functions, read-only. */
const shownFolder = "/usr";

/**
 * Throws when functions could read what the server keeps to itself. The sandbox shows them /usr, and
 * a server that is not root runs them as its own user, whom the modes of its files keep out of nothing.
 */
export async function refuseShownFolders(
  settings: Pick<Settings, "dataDir" | "functionsWorkdir" | "tlsKey">,
  uid: number | undefined,
): Promise<void> {
  if (uid === 0) return;
  const places: readonly (readonly [key: string, path: string | undefined])[] = [
    ["data_dir", settings.dataDir],
    ["functions.workdir", settings.functionsWorkdir],
    ["tls.key", settings.tlsKey],
  ];
  const problems: string[] = [];
  for (const [key, path] of places) {
    if (path !== undefined && (await isShown(path))) {
      problems.push(
        `${key} is ${path}, below ${shownFolder}, which functions can read, and without root they run as the server's own user; choose a place outside of ${shownFolder}, or run the server as root`,
      );
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
}

async function isShown(path: string): Promise<boolean> {
  const real = await realPlace(path);
  return real === shownFolder || real.startsWith(`${shownFolder}/`);
}

/** Where the links on the way lead, since functions see that; what does not exist yet is below what does. */
async function realPlace(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (dirname(path) === path) throw error;
    return join(await realPlace(dirname(path)), basename(path));
  }
}
