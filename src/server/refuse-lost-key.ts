import { ReactorError } from "../domain/errors.ts";
import type { Store } from "../store/store.ts";

/**
 * Throws `storage_unavailable`, naming the missing key, when there are secrets in the store: a fresh
 * data key could open none of them, and its file would stand where the right one belongs.
 */
export async function refuseLostKey(store: Store, file: string): Promise<void> {
  const sealed = await store.read(async (reader) => {
    const records = await Promise.all([
      ...(await reader.projects()).map(({ id }) => reader.envOf(id, undefined)),
      ...(await reader.allFunctions()).map(({ id, projectId }) => reader.envOf(projectId, id)),
    ]);
    const ofFunctions = records.flat().filter((record) => record.secret);
    const own = await reader.platformSecrets();
    return [...ofFunctions.map(({ value }) => value), ...own.map((secret) => secret.sealed)];
  });
  const [first] = sealed;
  if (first === undefined) return;
  const id = first.split(".", 2)[1] ?? "unknown";
  throw new ReactorError(
    "storage_unavailable",
    `Cannot open ${sealed.length} ${sealed.length === 1 ? "secret" : "secrets"}: they are sealed under the data key ${id}, and there is no ${file}; put that key file there (mode 0600), or give the key as REACTOR_FUNCTIONS_DATA_KEY; a backup made with --wrap-key has it: reactor backup restore --unwrap-key`,
    { details: { data_key: id, file } },
  );
}
