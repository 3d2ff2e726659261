import type { FunctionRecord } from "../../../src/domain/function.ts";
import { controlSettings } from "../life.ts";
import { targetsText } from "../model/function-model.ts";
import type { MemoryTables } from "../storage/memory-tables.ts";
import type { World } from "../world.ts";
import { type FoldedFunction, type FoldedStore, foldAudit } from "./fold-audit.ts";

/** What is committed is whole, and holds everything that was acknowledged and nothing that was refused. */
export function checkStore(world: World): void {
  const { tables } = world.disk;
  const folded = foldAudit(tables);
  checkFunctions(world, tables, folded);
  checkDeployments(world, tables, folded);
  checkKeys(world, tables, folded);
  for (const record of tables.functions.values()) checkProduction(world, tables, record);
  checkAcknowledged(world, tables);
  for (const row of tables.audit.values()) {
    world.expectNoSecret(JSON.stringify(row), "an audit row");
  }
}

function same(world: World, what: string, actual: unknown, expected: unknown): void {
  const [is, must] = [JSON.stringify(actual), JSON.stringify(expected)];
  world.expect(is === must, () => `${what} is ${is} in the store, must be ${must}`);
}

function sorted<T>(entries: Iterable<readonly [string, T]>): (readonly [string, T])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}

function checkFunctions(world: World, tables: MemoryTables, folded: FoldedStore): void {
  const records = [...tables.functions.values()];
  const state = (enabled: boolean, deleted: boolean, envVersion: number): string =>
    `${enabled ? "enabled" : "disabled"} ${deleted ? "deleted" : "live"} env ${envVersion}`;
  same(
    world,
    "the functions",
    sorted(
      records.map(
        (record) =>
          [
            record.name,
            state(record.enabled, record.deletedAtMs !== undefined, record.envVersion),
          ] as const,
      ),
    ),
    sorted(
      [...folded.functions].map(
        ([name, { enabled, deleted, envVersion }]) =>
          [name, state(enabled, deleted, envVersion)] as const,
      ),
    ),
  );
  for (const record of records) {
    const expected = folded.functions.get(record.name);
    if (expected !== undefined) checkFunction(world, tables, record, expected);
  }
}

function checkFunction(
  world: World,
  tables: MemoryTables,
  { id, name }: FunctionRecord,
  expected: FoldedFunction,
): void {
  same(world, `the aliases of ${name}`, sorted(aliasesOf(tables, id)), sorted(expected.aliases));
  const env = [...tables.env.values()].filter(({ functionId }) => functionId === id);
  const versions = env.map(({ key, version }) => [key, version] as const);
  same(world, `the env of ${name}`, sorted(versions), sorted(expected.env));
}

export function aliasesOf(tables: MemoryTables, functionId: string): Map<string, string> {
  const own = [...tables.aliases.values()].filter((alias) => alias.functionId === functionId);
  return new Map(own.map((alias) => [alias.name, targetsText(alias.targets)]));
}

function checkDeployments(world: World, tables: MemoryTables, folded: FoldedStore): void {
  const statuses = [...tables.deployments.values()].map(({ id, status }) => {
    const open = status === "pending" || status === "materializing";
    return [id, open ? "open" : status] as const;
  });
  same(world, "the deployments", sorted(statuses), sorted(folded.deployments));
  for (const deployment of tables.deployments.values()) {
    const { id, status, artifactBlob, shape, failure, sourceBlob } = deployment;
    const whole =
      status === "ready"
        ? artifactBlob !== undefined && world.blobDisk.has(artifactBlob) && shape === "fetch"
        : artifactBlob === undefined && shape === undefined;
    world.expect(
      whole && (status === "failed") === (failure !== undefined) && world.blobDisk.has(sourceBlob),
      () => `deployment ${id} is ${status} and half there: ${JSON.stringify(deployment)}`,
    );
    world.expectNoSecret(JSON.stringify(failure ?? ""), `the failure of ${id}`);
  }
}

function checkKeys(world: World, tables: MemoryTables, folded: FoldedStore): void {
  const keys = [...tables.apiKeys.values()].map(
    ({ id, revokedAtMs }) => [id, revokedAtMs === undefined ? "live" : "revoked"] as const,
  );
  same(world, "the API keys", sorted(keys), sorted(folded.keys));
  for (const [id, state] of keys) {
    const known = world.keys.get(id);
    if (known !== undefined && !known.state.observe(state)) {
      world.violate(`key ${id} is ${state}, clients were told otherwise`);
    }
  }
}

/** An alias leads to ready deployments, and production to what the history says. */
function checkProduction(world: World, tables: MemoryTables, record: FunctionRecord): void {
  for (const alias of tables.aliases.values()) {
    if (alias.functionId !== record.id) continue;
    for (const target of alias.targets) {
      const { status, revision } = tables.deployments.get(target.deploymentId) ?? {};
      world.expect(
        status === "ready" && revision === target.revision,
        () =>
          `${record.name}@${alias.name} leads to revision ${target.revision}, which is ${status}`,
      );
    }
    if (alias.name !== "production") continue;
    const history = [...tables.promotions.values()].filter((row) => row.functionId === record.id);
    const heaviest = alias.targets.toSorted((a, b) => b.weight - a.weight)[0];
    same(
      world,
      `production of ${record.name}`,
      heaviest?.deploymentId,
      history.at(-1)?.deploymentId,
    );
  }
}

function checkAcknowledged(world: World, tables: MemoryTables): void {
  for (const model of world.functions.values()) {
    const record = [...tables.functions.values()].find(({ name }) => name === model.name);
    const state = record === undefined ? "absent" : record.deletedAtMs ? "deleted" : "live";
    const actual = new Map([
      ["state", state],
      ["enabled", String(record?.enabled ?? true)],
    ]);
    const aliases = record === undefined ? new Map() : aliasesOf(tables, record.id);
    for (const name of model.aliases.keys()) actual.set(`alias ${name}`, aliases.get(name) ?? "");
    for (const [key, value] of envOf(world, record)) actual.set(`env ${key}`, value);
    for (const [field, register] of model.registers) {
      const value = actual.get(field);
      if (value === undefined) continue;
      const told = [...register.possible].join(" or ");
      const fits = register.observe(value);
      world.expect(fits, () => `${field} of ${model.name} is "${value}", clients know "${told}"`);
    }
    checkRevisions(world, tables, record?.id, model.deployments);
  }
}

/** The values of a function's env as the plan gives them to instances; nothing while it has no plan. */
function envOf(world: World, record: FunctionRecord | undefined): (readonly [string, string])[] {
  const plan = record && world.life.serving.plan.functions.get(`default:${record.name}`);
  if (plan === undefined) return [];
  const values = { ...plan.env.env, ...plan.env.secrets };
  const [model] = [...world.functions.values()].filter(({ name }) => name === plan.name);
  return [...(model?.env.keys() ?? [])].map((key) => [key, values[key] ?? ""] as const);
}

function checkRevisions(
  world: World,
  tables: MemoryTables,
  functionId: string | undefined,
  acknowledged: ReadonlyMap<number, string>,
): void {
  const own = [...tables.deployments.values()].filter((record) => record.functionId === functionId);
  for (const [revision, status] of acknowledged) {
    const found = own.find((record) => record.revision === revision);
    const newerFailed = own.filter(
      (record) => record.status === "failed" && record.revision > revision,
    );
    const collectable =
      status === "failed" && newerFailed.length >= controlSettings.failedDeploymentsKept;
    world.expect(
      found?.status === status || (found === undefined && collectable),
      () => `revision ${revision} was acknowledged as ${status} and is ${found?.status}`,
    );
  }
}
