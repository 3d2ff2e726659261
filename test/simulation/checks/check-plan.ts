import type { FunctionPlan } from "../../../src/domain/plan.ts";
import { targetsText } from "../model/function-model.ts";
import type { MemoryTables } from "../storage/memory-tables.ts";
import type { World } from "../world.ts";
import { aliasesOf } from "./check-store.ts";

/** What serving has is what the store holds. */
export function checkPlan(world: World): void {
  const { plan } = world.life.serving;
  const { tables } = world.disk;
  const expected = storedPlan(tables);
  const actual = [...plan.functions.values()].map(shownPlan).sort();
  const [is, must] = [actual.join("\n"), expected.join("\n")];
  world.expect(is === must, () => `the plan differs from the store: ${difference(is, must)}`);
  world.expect(plan.slugs.size === plan.functions.size, () => "the plan's slugs miss a function");
  const live = [...tables.apiKeys.values()].filter((key) => key.revokedAtMs === undefined);
  const digests = (keys: Iterable<string>): string => [...keys].sort().join();
  world.expect(
    digests(plan.keys.keys()) === digests(live.map((key) => key.digest)),
    () => "the plan's API keys differ from the store's",
  );
  for (const [id, { key, state }] of world.keys) {
    const known = world.life.running.authenticate(key) !== undefined;
    const fits = state.certain === undefined || known === (state.certain === "live");
    world.expect(fits, () => `key ${id} is ${state.certain}, and ${known ? "opens" : "does not"}`);
  }
}

function difference(is: string, must: string): string {
  const [actual, expected] = [is.split("\n"), must.split("\n")];
  const only = (of: string[], other: string[]): string =>
    of.filter((line) => !other.includes(line)).join("; ");
  return `it has ${only(actual, expected)}, the store ${only(expected, actual)}`;
}

function shownPlan(plan: FunctionPlan): string {
  const deployments = [...plan.deployments.values()].map(
    ({ deploymentId, revision, artifactBlob }) => `${revision}=${deploymentId}=${artifactBlob}`,
  );
  const aliases = [...plan.aliases].map(([name, targets]) => `${name}=${targetsText(targets)}`);
  const { version, env, secrets } = plan.env;
  const plain = Object.entries(env).map(([key, value]) => `${key}=${value}`);
  return line(plan.name, plan.enabled, version, [
    deployments,
    aliases,
    plain,
    Object.keys(secrets),
  ]);
}

function line(
  name: string,
  enabled: boolean,
  envVersion: number,
  parts: readonly (readonly string[])[],
): string {
  const joined = parts.map((part) => part.toSorted().join(" ")).join(" | ");
  return `${name} ${enabled ? "on" : "off"} env ${envVersion} | ${joined}`;
}

function storedPlan(tables: MemoryTables): string[] {
  const live = [...tables.functions.values()].filter((record) => record.deletedAtMs === undefined);
  return live
    .map((record) => {
      const ready = [...tables.deployments.values()].filter(
        ({ functionId, status }) => functionId === record.id && status === "ready",
      );
      const env = [...tables.env.values()].filter(({ functionId }) => functionId === record.id);
      const plain = env.filter(({ secret }) => !secret);
      return line(record.name, record.enabled, record.envVersion, [
        ready.map(({ id, revision, artifactBlob }) => `${revision}=${id}=${artifactBlob}`),
        [...aliasesOf(tables, record.id)].map(([name, text]) => `${name}=${text}`),
        plain.map(({ key, value }) => `${key}=${value}`),
        env.filter(({ secret }) => secret).map(({ key }) => key),
      ]);
    })
    .sort();
}
