import type { Clock } from "../../src/base/clock.ts";
import type { InstanceExit } from "../../src/domain/instance.ts";
import type {
  SimulatedBehaviour,
  SimulatedGuest,
  SimulatedRequest,
} from "../../src/drivers/simulated/behaviour.ts";

export const scriptKinds = {
  /** Answers after `ms`. */
  ok: 10,
  /** Sends the request body back as it comes. */
  echo: 3,
  /** Answers head and chunks, `gapMs` apart. */
  stream: 3,
  /** Throws before the head; the message holds a secret. */
  throw: 1,
  /** Its body breaks after the first chunk. */
  cut: 1,
  /** Sends more than the manifest allows. */
  big: 1,
  /** Never answers. */
  hang: 2,
  /** Ends its process after `ms`. */
  crash: 1,
  /** Blocks its event loop for good. */
  spin: 0.5,
} as const;
export type ScriptKind = keyof typeof scriptKinds;

/** What one request asks its handler to do; travels in the URL. */
export interface GuestScript {
  readonly kind: ScriptKind;
  readonly ms: number;
  readonly chunks: number;
  readonly gapMs: number;
}

/** What a handler of the simulation answers with. */
export interface GuestAnswer {
  readonly deploymentId: string;
  readonly revision: number;
  readonly env: Readonly<Record<string, string>>;
}

/** What the world learns from, and decides for, its guests. */
export interface GuestWorld {
  readonly clock: Clock;
  /** How a module's import goes. */
  load(guest: SimulatedGuest): "ok" | "throw" | "never" | "exit";
  /** The handler was called with this invocation. */
  entered(invocationId: string, deploymentId: string): void;
  /** The guest does what may disturb others on its instance. */
  disturbs(kind: "crash" | "spin", deploymentId: string): void;
}

const bigBodyBytes = 16_384;
const never = new Promise<never>(() => {});

export function scriptUrl(script: GuestScript): string {
  return `http://simulation/?${new URLSearchParams({ script: JSON.stringify(script) })}`;
}

/** The module that every deployment of the simulation holds. */
export function createGuestBehaviour(world: GuestWorld): SimulatedBehaviour {
  return async (guest) => {
    switch (world.load(guest)) {
      case "throw":
        throw new Error(`planned failure near ${Object.values(guest.spec.secrets).join()}`);
      case "never":
        await never;
        break;
      case "exit":
        await guest.end({ reason: "exited", code: 7 });
        break;
      case "ok":
    }
    return { shape: "fetch", fetch: (request) => serve(world, guest, request) };
  };
}

async function serve(
  world: GuestWorld,
  guest: SimulatedGuest,
  request: SimulatedRequest,
): Promise<unknown> {
  const { clock, spec } = guest;
  const script = JSON.parse(request.url.searchParams.get("script") ?? "") as GuestScript;
  const secrets = Object.values(spec.secrets).join();
  world.entered(request.head.invocationId, spec.deploymentId);
  request.log("info", `${script.kind} with ${secrets}`);
  switch (script.kind) {
    case "echo":
      return { body: request.body };
    case "stream":
      return { body: chunks(clock, script) };
    case "throw":
      throw new Error(`planned failure with ${secrets}`);
    case "cut":
      return { body: brokenBody() };
    case "big":
      return { body: Buffer.alloc(bigBodyBytes, "x") };
    case "hang":
      return never;
    case "spin":
      world.disturbs("spin", spec.deploymentId);
      return guest.spin();
    case "crash":
      await clock.sleep(script.ms);
      world.disturbs("crash", spec.deploymentId);
      return guest.end(exits[script.chunks % exits.length] ?? exits[0]);
    case "ok":
      await clock.sleep(script.ms);
      return { body: answer(guest) };
  }
}

const exits: readonly [InstanceExit, ...InstanceExit[]] = [
  { reason: "exited", code: 0 },
  { reason: "signal", signal: "SIGABRT" },
  { reason: "uncaught", message: "Error: late" },
  { reason: "memory", limitMb: 256, peakMb: 260 },
];

function answer({ spec }: SimulatedGuest): string {
  const { deploymentId, revision } = spec;
  const seen: GuestAnswer = { deploymentId, revision, env: { ...spec.env, ...spec.secrets } };
  return JSON.stringify(seen);
}

async function* chunks(
  clock: Clock,
  { chunks, gapMs }: GuestScript,
): AsyncGenerator<Uint8Array, void, void> {
  for (let left = chunks; left > 0; left--) {
    await clock.sleep(gapMs);
    yield Buffer.from("chunk ");
  }
}

async function* brokenBody(): AsyncGenerator<Uint8Array, void, void> {
  yield Buffer.from("part");
  throw new Error("planned body failure");
}
