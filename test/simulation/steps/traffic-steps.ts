import type { Draw } from "../draw.ts";
import { type GuestScript, scriptKinds } from "../guest-script.ts";
import { aliasNames, productionAlias } from "../model/function-model.ts";
import type { World } from "../world.ts";
import { drawFunction, type Step } from "./step.ts";

function drawScript(draw: Draw): GuestScript {
  return {
    kind: draw.weighted(scriptKinds),
    ms: draw.pick([0, 1, 10, 80]),
    chunks: draw.between(0, 6),
    gapMs: draw.pick([0, 5, 40, 300]),
  };
}

function drawBody(draw: Draw): readonly Buffer[] {
  const parts = draw.chance(0.5) ? 1 : draw.between(2, 4);
  return Array.from({ length: parts }, (_, part) =>
    Buffer.alloc(draw.pick([0, 5, 2000]), String(part)),
  );
}

/** Mostly a function that can answer. */
function drawTarget(world: World, draw: Draw): string {
  const ready = [...world.functions.values()].filter(
    ({ state, aliases }) =>
      state.possible.has("live") && !aliases.get(productionAlias)?.possible.has(""),
  );
  const chosen = draw.chance(0.85) ? draw.pickAny(ready) : undefined;
  return chosen?.name ?? drawFunction(world, draw);
}

function send(world: World, draw: Draw, name: string): void {
  const model = world.function(name);
  const revision = draw.pickAny(model.readyRevisions);
  const numbered = revision !== undefined && draw.chance(0.15);
  const alias = draw.chance(0.75) ? productionAlias : draw.pick(aliasNames);
  world.traffic.send({
    model,
    selector: numbered ? String(revision) : alias,
    script: drawScript(draw),
    body: drawBody(draw),
    slowReaderMs: draw.chance(0.2) ? draw.between(1, 60) : 0,
  });
}

const one: Step = (world, draw) => send(world, draw, drawTarget(world, draw));

const burst: Step = (world, draw) => {
  const name = drawTarget(world, draw);
  for (let left = draw.between(3, 14); left > 0; left--) send(world, draw, name);
};

const cancel: Step = (world, draw) => {
  draw.pickAny([...world.traffic.open])?.cancel();
};

const wait: Step = (world, draw) =>
  world.clock.advance(draw.pick([0, 1, 1, 5, 5, 30, 30, 120, 600, 3000]));

/** Requests and time, by how often they happen. */
export const trafficSteps = {
  request: [20, one],
  burst: [9, burst],
  cancel: [6, cancel],
  wait: [20, wait],
} as const satisfies Record<string, readonly [number, Step]>;
