import type { Manifest } from "../domain/manifest.ts";
import type { CommandContext } from "./command.ts";

/**
 * Throws `permission_denied` unless the caller may invoke the functions that the manifest names as
 * destinations: they are invoked as the platform, so whoever names them must have the right. Events
 * tell of every function of the project, so binding one takes the right to every function's logs.
 */
export function requireBoundRights(
  context: Pick<CommandContext, "require">,
  project: string,
  { queue, name }: Manifest,
): void {
  for (const destination of [queue.onSuccess, queue.onFailure]) {
    if (destination === undefined || destination === name) continue;
    context.require({ project, function: destination, rights: ["invoke"] });
  }
  if (queue.events.length > 0) {
    context.require({ project, function: "*", rights: ["logs"] });
  }
}
