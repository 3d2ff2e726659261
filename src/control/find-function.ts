import type { Caller } from "../domain/caller.ts";
import { scopeCovers } from "../domain/caller.ts";
import { ReactorError } from "../domain/errors.ts";
import type { FunctionRecord, ProjectRecord } from "../domain/function.ts";
import { nearestKey, typoDistance } from "../domain/nearest-key.ts";
import type { Plan } from "../domain/plan.ts";
import { type FunctionRight, functionRights, functionScope } from "../domain/scopes.ts";
import type { StoreReader } from "../store/store.ts";

const functionIdPattern = /^fn_[0-9a-z]{26}$/;

/** Whether the text has the form of a function's id; a function may be named so, and then wins. */
export function looksLikeFunctionId(text: string): boolean {
  return functionIdPattern.test(text);
}

/** The function by name or id within the project, deleted ones included. */
export async function lookUpFunction(
  reader: StoreReader,
  project: ProjectRecord,
  nameOrId: string,
): Promise<FunctionRecord | undefined> {
  const named = await reader.functionByName(project.id, nameOrId);
  if (named !== undefined || !looksLikeFunctionId(nameOrId)) return named;
  const identified = await reader.functionById(nameOrId);
  return identified?.projectId === project.id ? identified : undefined;
}

/** What the message of a missing function may draw on. */
export interface FunctionHints {
  readonly plan: Plan;
  readonly caller: Caller;
}

/** The live function by name or id; `function_not_found` with the nearest name when there is none. */
export async function findFunction(
  reader: StoreReader,
  project: ProjectRecord,
  nameOrId: string,
  hints: FunctionHints,
): Promise<FunctionRecord> {
  const record = await lookUpFunction(reader, project, nameOrId);
  if (record === undefined) throw functionNotFound(project.name, nameOrId, hints);
  if (record.deletedAtMs !== undefined) throw functionDeleted(record.name);
  return record;
}

function functionDeleted(name: string): ReactorError {
  return new ReactorError(
    "function_not_found",
    `Cannot find function "${name}": it was deleted; bring it back with: reactor functions restore ${name}`,
    { details: { function: name, deleted: true } },
  );
}

function functionNotFound(
  project: string,
  nameOrId: string,
  { plan, caller }: FunctionHints,
): ReactorError {
  const shown = JSON.stringify(nameOrId.slice(0, 80));
  const nearest = nearestKey(nameOrId, visibleNames(plan, project, caller), typoDistance(nameOrId));
  const hint =
    nearest === undefined ? "list them with: reactor functions list" : `did you mean "${nearest}"?`;
  return new ReactorError(
    "function_not_found",
    `Cannot find function ${shown} in project "${project}": no function has this name; ${hint}`,
    { details: { function: nameOrId.slice(0, 80), ...(nearest === undefined ? {} : { nearest }) } },
  );
}

/** Names in the project that the caller may know of: those it has any right on. */
function* visibleNames(plan: Plan, project: string, caller: Caller): Generator<string> {
  for (const entry of plan.functions.values()) {
    if (entry.project === project && seesFunction(caller, entry.name)) yield entry.name;
  }
}

/** Whether the caller has the right on the function. */
export function seesFunctionWith(caller: Caller, name: string, right: FunctionRight): boolean {
  return caller.scopes.some((scope) => scopeCovers(scope, functionScope(name, right)));
}

/** Whether the caller has at least one right on the function. */
export function seesFunction(caller: Caller, name: string): boolean {
  return functionRights.some((right) => seesFunctionWith(caller, name, right));
}
