import type { Clock, Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { EnvRecord, FunctionRecord } from "../domain/function.ts";
import { emptyPlan, type FunctionPlan, type Plan } from "../domain/plan.ts";
import type { Store, StoreReader } from "../store/store.ts";
import { buildFunctionPlan, buildKeys, type OpenSecret } from "./build-plan.ts";
import type { SecretBox } from "./secret-box.ts";

/** Something in the store that the plan shows differently now. */
export type PlanChange =
  | { readonly functionId: string; readonly deploymentId?: string }
  | { readonly keys: true };

/** Keeps the plan equal to the store: one reader of changes, one publisher. */
export interface PlanKeeper {
  /** The last plan that was published. */
  readonly plan: Plan;
  /** Builds everything anew and publishes; rejects when a secret's master key is not here. */
  load(): Promise<void>;
  /**
   * Reads what changed and publishes one plan for all changes that came meanwhile. When it resolves
   * the published plan shows the changes. When the store cannot be read it rejects, keeps the
   * changes in mind and tries again by itself.
   */
  refresh(changes: readonly PlanChange[]): Promise<void>;
  openSecret: OpenSecret;
  close(): void;
}

export interface PlanKeeperOptions {
  readonly store: Store;
  readonly secretBox: SecretBox;
  readonly publish: (plan: Plan) => void;
  readonly clock: Clock;
  readonly log: Log;
}

const retryMs = 1000;

interface Dirty {
  /** Function ids with the deployments that changed. */
  readonly functions: Map<string, Set<string>>;
  keys: boolean;
}

export function createPlanKeeper(options: PlanKeeperOptions): PlanKeeper {
  const { store, clock, log } = options;
  const byId = new Map<string, FunctionPlan>();
  let plan = emptyPlan;
  let dirty: Dirty = { functions: new Map(), keys: false };
  let scheduled: Promise<void> | undefined;
  let tail: Promise<void> = Promise.resolve();
  let retry: Timer | undefined;
  const openSecret = createSecretOpener(options);

  const publish = (next: Omit<Plan, "version">): void => {
    plan = Object.freeze({ version: plan.version + 1, ...next });
    options.publish(plan);
  };
  const take = async (): Promise<void> => {
    scheduled = undefined;
    const batch = dirty;
    dirty = { functions: new Map(), keys: false };
    try {
      const built = await store.read((reader) => buildBatch(reader, batch, { byId, openSecret }));
      publish(applyBuilt(built, plan, byId));
    } catch (error) {
      merge(dirty, batch);
      retry ??= clock.after(retryMs, () => {
        retry = undefined;
        schedule().catch((cause: unknown) => {
          log.error("cannot bring the plan up to date; trying again", { error: String(cause) });
        });
      });
      throw error;
    }
  };
  const schedule = (): Promise<void> => {
    scheduled ??= tail.then(take);
    // The next batch starts after this one, however it ends; its caller hears of the failure.
    tail = scheduled.catch(() => undefined);
    return scheduled;
  };
  return {
    get plan() {
      return plan;
    },
    openSecret,
    async load() {
      const loaded = await store.read((reader) => loadAll(reader, options.secretBox, openSecret));
      byId.clear();
      for (const entry of loaded.functions.values()) byId.set(entry.functionId, entry);
      publish(loaded);
    },
    refresh(changes) {
      for (const change of changes) mark(dirty, change);
      return schedule();
    },
    close() {
      retry?.cancel();
    },
  };
}

function createSecretOpener({ secretBox, log }: PlanKeeperOptions): OpenSecret {
  return (record) => {
    const owner = record.functionId ?? record.projectId;
    try {
      return secretBox.open(record.value, { owner, key: record.key, version: record.version });
    } catch (error) {
      log.error("a secret cannot be opened and is left out", {
        key: record.key,
        owner,
        error: error instanceof Error ? error.message : String(error),
      });
      return undefined;
    }
  };
}

function mark(dirty: Dirty, change: PlanChange): void {
  if ("keys" in change) {
    dirty.keys = true;
    return;
  }
  const deployments = dirty.functions.get(change.functionId) ?? new Set();
  if (change.deploymentId !== undefined) deployments.add(change.deploymentId);
  dirty.functions.set(change.functionId, deployments);
}

function merge(into: Dirty, from: Dirty): void {
  if (from.keys) into.keys = true;
  for (const [functionId, deployments] of from.functions) {
    mark(into, { functionId });
    for (const deploymentId of deployments) mark(into, { functionId, deploymentId });
  }
}

interface Built {
  /** Undefined: the function is gone. */
  readonly functions: ReadonlyMap<string, FunctionPlan | undefined>;
  /** Undefined: unchanged. */
  readonly keys: Plan["keys"] | undefined;
}

async function buildBatch(
  reader: StoreReader,
  batch: Dirty,
  known: { readonly byId: ReadonlyMap<string, FunctionPlan>; readonly openSecret: OpenSecret },
): Promise<Built> {
  const projectNames = await readProjectNames(reader);
  const projectEnv = projectEnvReader(reader);
  const functions = new Map<string, FunctionPlan | undefined>();
  for (const [functionId, deploymentIds] of batch.functions) {
    const record = await reader.functionById(functionId);
    const project = record && projectNames.get(record.projectId);
    if (record === undefined || record.deletedAtMs !== undefined || project === undefined) {
      functions.set(functionId, undefined);
      continue;
    }
    const built = await buildFunctionPlan(reader, {
      record,
      project,
      previous: known.byId.get(functionId),
      deploymentIds,
      projectEnv: () => projectEnv(record),
      openSecret: known.openSecret,
    });
    functions.set(functionId, built);
  }
  return { functions, keys: batch.keys ? await buildKeys(reader, projectNames) : undefined };
}

/** The plan with the built functions in place of the former; costs no reads and cannot fail. */
function applyBuilt(
  built: Built,
  plan: Plan,
  byId: Map<string, FunctionPlan>,
): Omit<Plan, "version"> {
  const keys = built.keys ?? plan.keys;
  if (built.functions.size === 0) return { functions: plan.functions, slugs: plan.slugs, keys };
  const functions = new Map(plan.functions);
  const slugs = new Map(plan.slugs);
  for (const [functionId, next] of built.functions) {
    const shown = next ?? byId.get(functionId);
    if (next === undefined) byId.delete(functionId);
    else byId.set(functionId, next);
    if (shown === undefined) continue;
    setOrDelete(functions, `${shown.project}:${shown.name}`, next);
    setOrDelete(slugs, `${shown.project}:${shown.slug}`, next);
  }
  return { functions, slugs, keys };
}

function setOrDelete(
  map: Map<string, FunctionPlan>,
  key: string,
  value: FunctionPlan | undefined,
): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

async function loadAll(
  reader: StoreReader,
  secretBox: SecretBox,
  openSecret: OpenSecret,
): Promise<Omit<Plan, "version">> {
  const projectNames = await readProjectNames(reader);
  const projectEnv = projectEnvReader(reader);
  // A missing master key would leave every secret out; that is a wrong setting, not a damaged row.
  const openKnown: OpenSecret = (record) => {
    if (secretBox.knows(record.value)) return openSecret(record);
    return secretBox.open(record.value, {
      owner: record.functionId ?? record.projectId,
      key: record.key,
      version: record.version,
    });
  };
  const functions = new Map<string, FunctionPlan>();
  const slugs = new Map<string, FunctionPlan>();
  for (const record of await reader.allFunctions()) {
    const project = projectNames.get(record.projectId);
    if (project === undefined) continue;
    const built = await buildFunctionPlan(reader, {
      record,
      project,
      previous: undefined,
      deploymentIds: new Set(),
      openSecret: openKnown,
      projectEnv: () => projectEnv(record),
    });
    functions.set(`${project}:${built.name}`, built);
    slugs.set(`${project}:${built.slug}`, built);
  }
  return { functions, slugs, keys: await buildKeys(reader, projectNames) };
}

async function readProjectNames(reader: StoreReader): Promise<ReadonlyMap<string, string>> {
  return new Map((await reader.projects()).map((project) => [project.id, project.name]));
}

/** Reads a project's own env once per batch, and only when a function needs it. */
function projectEnvReader(
  reader: StoreReader,
): (record: FunctionRecord) => Promise<readonly EnvRecord[]> {
  const read = new Map<string, Promise<readonly EnvRecord[]>>();
  return (record) => {
    const known = read.get(record.projectId) ?? reader.envOf(record.projectId, undefined);
    read.set(record.projectId, known);
    return known;
  };
}
