import { open, readdir } from "node:fs/promises";
import path from "node:path";

/**
 * Makes the names in a folder durable, and with `deep` (the default) those below it; calls `visit`
 * for the folder and every entry first. Follows no links.
 */
export async function syncTree(
  folder: string,
  visit: (entry: string) => Promise<void> | undefined,
  { deep = true }: { readonly deep?: boolean } = {},
): Promise<void> {
  if (deep) {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const at = path.join(folder, entry.name);
      if (entry.isDirectory()) await syncTree(at, visit);
      else await visit(at);
    }
  }
  await visit(folder);
  const directory = await open(folder, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
