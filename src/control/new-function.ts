import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import { ReactorError } from "../domain/errors.ts";
import type { FunctionRecord, ProjectRecord } from "../domain/function.ts";
import type { Isolation, Runtime } from "../domain/manifest.ts";
import { parseFunctionName, slugOf } from "../domain/names.ts";
import { requireIsolation } from "../domain/parse-manifest.ts";
import type { Materializer } from "../serving/materializer.ts";
import type { StoreReader } from "../store/store.ts";

/** A new function's record after every check; within the transaction that inserts it. */
export async function newFunction(
  reader: StoreReader,
  context: {
    readonly clock: Clock;
    readonly ids: Ids;
    readonly materializer: Pick<Materializer, "checkRuntime">;
  },
  wanted: {
    readonly project: ProjectRecord;
    readonly name: string;
    readonly runtime: Runtime;
    readonly isolation: Isolation;
  },
): Promise<FunctionRecord> {
  const { project, runtime, isolation } = wanted;
  const name = parseFunctionName(wanted.name);
  const slug = slugOf(name);
  requireIsolation(runtime, isolation);
  context.materializer.checkRuntime(runtime, isolation);
  const taken =
    (await reader.functionByName(project.id, name)) ??
    (await reader.functionBySlug(project.id, slug));
  if (taken !== undefined) throw functionExists(name, slug, taken);
  const nowMs = context.clock.now();
  return {
    id: context.ids.next("fn"),
    projectId: project.id,
    name,
    slug,
    runtime,
    isolation,
    enabled: true,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    deletedAtMs: undefined,
    envVersion: 1,
  };
}

/** `function_exists` that names the next command: deploy to it, or restore it when it was deleted. */
export function functionExists(name: string, slug: string, taken: FunctionRecord): ReactorError {
  const how =
    taken.name === name
      ? "a function of this name exists"
      : `its host label "${slug}" belongs to function "${taken.name}"`;
  const next =
    taken.deletedAtMs === undefined
      ? `deploy to it with: reactor functions deploy ${taken.name} --dir DIR`
      : `it was deleted and stays reserved; bring it back with: reactor functions restore ${taken.name}`;
  return new ReactorError(
    "function_exists",
    `Cannot create function "${name}": ${how}; ${taken.name === name ? "" : "choose another name, or "}${next}`,
    { details: { function: taken.name, deleted: taken.deletedAtMs !== undefined } },
  );
}
