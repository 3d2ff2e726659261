import type { FunctionRecord } from "../domain/function.ts";
import type { StoreReader } from "../store/store.ts";
import type { FunctionView } from "./control-plane.ts";
import { heaviestTarget } from "../domain/heaviest-target.ts";
import { findProduction } from "./promote.ts";

/** The function with where `production` points (its heaviest target). */
export async function functionView(
  reader: StoreReader,
  record: FunctionRecord,
  project: string,
): Promise<FunctionView> {
  const target = heaviestTarget((await findProduction(reader, record.id))?.targets ?? []);
  const deployment = target && (await reader.deployment(target.deploymentId));
  return {
    ...record,
    project,
    production: target && { deploymentId: target.deploymentId, revision: target.revision },
    shape: deployment?.shape,
    minTier: deployment?.manifest.minTier,
    route: deployment?.manifest.route,
    events: deployment?.manifest.queue.events ?? [],
    hooks: deployment?.manifest.hooks?.points ?? [],
  };
}
