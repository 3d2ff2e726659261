import type { ReactorError } from "../../src/domain/errors.ts";
import { Asked, type AskedEvents, type Ending, type Question } from "./asked.ts";
import { judgeEnding, judgeMiss } from "./model/judge-ending.ts";
import type { World } from "./world.ts";

/** Every request that clients sent in this life, and what became of each. */
export class Traffic implements AskedEvents {
  /** By invocation id, of this life. */
  readonly asked = new Map<string, Asked>();
  readonly #world: World;
  readonly #entered = new Map<string, string>();
  readonly #open = new Set<Asked>();
  #ids = 0;

  constructor(world: World) {
    this.#world = world;
  }

  get open(): ReadonlySet<Asked> {
    return this.#open;
  }

  /** The deployment whose handler got this request; undefined when none did. */
  enteredBy(invocationId: string): string | undefined {
    return this.#entered.get(invocationId);
  }

  send(wanted: Omit<Question, "id" | "sentAtMs" | "alone">): void {
    const world = this.#world;
    const { serving } = world.life;
    const id = `inv_${++this.#ids}`;
    const { name } = wanted.model;
    const question = { ...wanted, id, sentAtMs: world.clock.nowMs, alone: this.#isQuiet() };
    const route = serving.routes.bySegment(`${name}@${wanted.selector}`, undefined);
    world.trace(`${id} ${wanted.script.kind} to ${name}@${wanted.selector}`);
    if (typeof route === "string") {
      world.count(`miss ${route}`);
      judgeMiss(world, question, route);
      return;
    }
    const asked = new Asked({ question, serving, route, events: this });
    this.asked.set(id, asked);
    this.#open.add(asked);
    serving.invoke(asked.invocation);
  }

  entered(invocationId: string, deploymentId: string): void {
    const before = this.#entered.get(invocationId);
    if (before !== undefined) {
      this.#world.violate(`${invocationId} reached two handlers: ${before} and ${deploymentId}`);
    }
    this.#entered.set(invocationId, deploymentId);
  }

  ended(asked: Asked, ending: Ending): void {
    const world = this.#world;
    this.#open.delete(asked);
    asked.endedAtMs = world.clock.nowMs;
    world.trace(`${asked.question.id} ${endingText(ending)}`);
    world.count(endingText(ending));
    if (ending.kind === "answered" && world.life.store.down) world.count("answered, store down");
    // Whoever does not answer or is not heard any more may be asked whether it is stuck.
    const unheard =
      ending.kind === "cancelled" || endingText(ending).startsWith("function_timeout");
    const deploymentId = asked.invocation.target?.deployment.deploymentId;
    if (unheard && deploymentId !== undefined) world.trouble.disturbed("timeout", deploymentId);
    judgeEnding(world, asked, ending);
  }

  wrong({ question }: Asked, what: string): void {
    this.#world.violate(`${question.id} (${question.script.kind}) heard ${what} out of turn`);
  }

  later(ms: number, callback: () => void): void {
    this.#world.life.clientClock.after(ms, callback);
  }

  /** The server crashed: nobody hears of these any more. */
  lost(): void {
    for (const asked of this.#open) asked.lost();
    this.#open.clear();
    this.asked.clear();
  }

  #isQuiet(): boolean {
    const pools = this.#world.life.serving.pools();
    return pools.every(
      ({ running, waiting, draining, instances }) =>
        running === 0 &&
        waiting === 0 &&
        !draining &&
        instances.every(({ state }) => state === "ready"),
    );
  }
}

function endingText(ending: Ending): string {
  if (ending.kind === "answered") return `${ending.status}`;
  if (ending.kind === "cancelled") return "cancelled";
  return errorText(ending.error, ending.status);
}

function errorText(error: ReactorError, status: number | undefined): string {
  return status === undefined ? error.code : `${error.code} after the head`;
}
