import { hookPoints, type ManifestHooks } from "./hook.ts";
import { invalidManifest, type ManifestReader } from "./manifest-reader.ts";

/** The part of a manifest that is about provisioning hooks; undefined when it is bound to none. */
export function parseHooks(read: ManifestReader): ManifestHooks | undefined {
  const named = read.strings("/hooks") ?? [];
  const order = read.number("/hook_order");
  const points = hookPoints.filter((point) => named.includes(point));
  if (points.length > 0) return { points, order: order ?? 0 };
  if (order === undefined) return undefined;
  throw invalidManifest("/hook_order", "there are no hooks to order; write hooks or leave it out");
}
