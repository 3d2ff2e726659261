import {
  type FunctionModel,
  aliasNames,
  envKeys,
  productionAlias,
  secretKey,
  targetsText,
} from "../model/function-model.ts";
import { anyValue, Register } from "../model/register.ts";
import type { Draw } from "../draw.ts";
import { secretMark } from "../secret-mark.ts";
import type { World } from "../world.ts";
import { drawBundle } from "./draw-bundle.ts";
import { drawFunction, functionNames, soon, type Step } from "./step.ts";

const project = "default";

const create: Step = (world, draw) => {
  const name = drawFunction(world, draw);
  const changes = [world.function(name).state.begin("live")];
  return soon(world, draw, world.run("functions.create", { project, name }, { changes }));
};

const deploy: Step = (world, draw) => {
  const name = drawFunction(world, draw);
  const promote = draw.chance(0.6);
  const createFunction = draw.chance(0.3);
  return soon(world, draw, startDeploy(world, draw, { name, promote, createFunction }));
};

/** The functions that a seed begins with, each deployed and promoted. */
export const plant: Step = async (world, draw) => {
  for (const name of functionNames.slice(0, 3)) {
    const work = startDeploy(world, draw, { name, promote: true, createFunction: true });
    await soon(world, draw, work);
  }
};

function startDeploy(
  world: World,
  draw: Draw,
  wanted: { readonly name: string; readonly promote: boolean; readonly createFunction: boolean },
): Promise<void> {
  const { name, promote, createFunction } = wanted;
  const model = world.function(name);
  const production = promote ? model.alias(productionAlias).begin(anyValue) : undefined;
  const birth = createFunction ? model.state.begin("live") : undefined;
  return world.run(
    "deployments.create",
    {
      project,
      function: name,
      upload: { kind: "files", files: drawBundle(draw) },
      bundleSha256: undefined,
      promote,
      createFunction,
    },
    {
      changes: [production, birth].filter((change) => change !== undefined),
      onOutput: ({ revision, status }) => {
        world.count(`deploy ${status}`);
        model.deployments.set(revision, status);
        // A deploy ends well also when its function was deleted under it, and then promotes nothing.
        if (status !== "ready" || model.state.possible.has("deleted")) production?.unsure();
        else production?.acknowledged(`${revision}:100`);
        // It may have been created by another at the same time: then this one changed nothing.
        birth?.unsure();
      },
    },
  );
}

/** A revision that exists, or now and then one that does not. */
function drawRevision(model: FunctionModel, pick: (most: number) => number): number {
  return pick(Math.max(1, ...model.deployments.keys()) + 1);
}

const promote: Step = (world, draw) => {
  const name = drawFunction(world, draw);
  const model = world.function(name);
  const revision = drawRevision(model, (most) => draw.between(1, most));
  const changes = [model.alias(productionAlias).begin(`${revision}:100`)];
  const input = { project, function: name, deployment: String(revision) };
  return soon(world, draw, world.run("functions.promote", input, { changes }));
};

const rollback: Step = (world, draw) => {
  const name = drawFunction(world, draw);
  const change = world.function(name).alias(productionAlias).begin(anyValue);
  const work = world.run(
    "functions.rollback",
    { project, function: name, deployment: undefined },
    {
      changes: [change],
      onOutput: ({ revision }) => change.acknowledged(`${revision}:100`),
    },
  );
  return soon(world, draw, work);
};

const setAlias: Step = (world, draw) => {
  const name = drawFunction(world, draw);
  const model = world.function(name);
  const alias = draw.pick(aliasNames);
  const first = drawRevision(model, (most) => draw.between(1, most));
  const second = drawRevision(model, (most) => draw.between(1, most));
  const weight = draw.between(1, 99);
  const targets =
    first === second
      ? [{ revision: first, weight: 100 }]
      : [
          { revision: first, weight },
          { revision: second, weight: 100 - weight },
        ];
  const changes = [model.alias(alias).begin(targetsText(targets))];
  const input = { project, function: name, alias, targets };
  return soon(world, draw, world.run("aliases.set", input, { changes }));
};

const deleteAlias: Step = (world, draw) => {
  const name = drawFunction(world, draw);
  const alias = draw.pick(aliasNames);
  const changes = [world.function(name).alias(alias).begin("")];
  const input = { project, function: name, alias };
  return soon(world, draw, world.run("aliases.delete", input, { changes }));
};

const setEnv: Step = (world, draw) => {
  const name = drawFunction(world, draw);
  const key = draw.pick(envKeys);
  const secret = key === secretKey;
  const value = `${secret ? secretMark : "value"}-${draw.between(0, 1_000_000)}`;
  const changes = [world.function(name).envOf(key).begin(value)];
  const input = { project, function: name, key, value, secret };
  return soon(world, draw, world.run("env.set", input, { changes }));
};

const unsetEnv: Step = (world, draw) => {
  const name = drawFunction(world, draw);
  const key = draw.pick(envKeys);
  const changes = [world.function(name).envOf(key).begin("")];
  return soon(world, draw, world.run("env.unset", { project, function: name, key }, { changes }));
};

const enable: Step = (world, draw) => {
  const name = drawFunction(world, draw);
  const enabled = draw.chance(0.75);
  const changes = [world.function(name).enabled.begin(String(enabled))];
  const input = { project, function: name, enabled };
  return soon(world, draw, world.run("functions.update", input, { changes }));
};

const remove: Step = (world, draw) => {
  const name = drawFunction(world, draw);
  const changes = [world.function(name).state.begin("deleted")];
  const input = { project, function: name };
  return soon(world, draw, world.run("functions.delete", input, { changes }));
};

const restore: Step = (world, draw) => {
  const name = drawFunction(world, draw);
  const changes = [world.function(name).state.begin("live")];
  const input = { project, function: name };
  return soon(world, draw, world.run("functions.restore", input, { changes }));
};

const createKey: Step = (world, draw) => {
  const input = {
    project: draw.pick(["*", project]),
    name: `key ${draw.between(0, 99)}`,
    scopes: ["functions:*:invoke"],
    expiresAtMs: undefined,
  };
  const work = world.run("keys.create", input, {
    onOutput: ({ key, record }) => {
      world.keys.set(record.id, { key, state: new Register("live") });
    },
  });
  return soon(world, draw, work);
};

const revokeKey: Step = (world, draw) => {
  const chosen = draw.pickAny([...world.keys]);
  if (chosen === undefined) return;
  const [id, { state }] = chosen;
  const changes = [state.begin("revoked")];
  return soon(world, draw, world.run("keys.revoke", { project: "*", id }, { changes }));
};

const read: Step = (world, draw) => {
  const input = { project, function: drawFunction(world, draw) };
  const page = { limit: 10, cursor: undefined };
  const work = draw.chance(0.5)
    ? world.run("functions.list", { project, ...page })
    : world.run("deployments.list", { ...input, ...page });
  return soon(world, draw, work);
};

const collect: Step = (world, draw) =>
  soon(
    world,
    draw,
    world.run(
      "deployments.collect",
      {},
      {
        onOutput: (removed) => {
          if (removed.length > 0) world.count("failed deployments collected");
        },
      },
    ),
  );

/** Commands, by how often they happen. */
export const functionSteps = {
  create: [4, create],
  deploy: [11, deploy],
  promote: [5, promote],
  rollback: [3, rollback],
  "set alias": [4, setAlias],
  "delete alias": [1, deleteAlias],
  "set env": [4, setEnv],
  "unset env": [1, unsetEnv],
  enable: [3, enable],
  delete: [1, remove],
  restore: [2, restore],
  "create key": [1.5, createKey],
  "revoke key": [1.5, revokeKey],
  read: [0.5, read],
  collect: [0.5, collect],
} as const satisfies Record<string, readonly [number, Step]>;
