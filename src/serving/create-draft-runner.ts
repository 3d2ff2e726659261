import type { Clock } from "../base/clock.ts";
import { DeadlineSweep } from "../base/deadline-sweep.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { ReactorError } from "../domain/errors.ts";
import type { InvocationRecord } from "../domain/invocation.ts";
import { slugOf } from "../domain/names.ts";
import { emptyPlan, type FunctionPlan } from "../domain/plan.ts";
import { type Artifact, type Driver, type Instance, StartError } from "../drivers/driver.ts";
import { DraftAnswer } from "./draft-answer.ts";
import { DraftLog } from "./draft-log.ts";
import type { Draft, DraftOutcome, DraftRunner } from "./draft-runner.ts";
import { driverFor, type KnownDrivers } from "./driver-for.ts";
import { InstanceSlot } from "./instance-slot.ts";
import { Invocation } from "./invocation.ts";
import type { InvocationHost } from "./invocation-host.ts";
import type { Materializer } from "./materializer.ts";
import { FunctionMeter } from "./meter.ts";
import type { RouteTarget } from "./route-table.ts";
import { defaultServingSettings, type ServingContext } from "./serving-context.ts";
import { wireExit } from "./wire-exit.ts";

export interface DraftRunnerOptions extends KnownDrivers {
  /** Prepares drafts as it does deployments, their packages included. */
  readonly materializer: Pick<Materializer, "prepare">;
  readonly startTimeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const revision = 1;
/** How long work after the answer (`waitUntil`) may go on, so that its log lines are there. */
const afterAnswerMsMax = 2000;

/** Creates the runner of drafts: the deploy's prepare and start, and the hot path's invocation. */
export function createDraftRunner(options: DraftRunnerOptions): DraftRunner {
  const sweep = new DeadlineSweep(options.clock);
  return {
    async run(draft, signal) {
      const driver = driverFor(draft.manifest, options);
      const log = new DraftLog();
      const run: DraftRun = { draft, driver, log, sweep, options, signal };
      const outcome = await prepareAndServe(run);
      return { ...outcome, logs: log.lines, logsDropped: log.dropped };
    },
  };
}

/** One run: the draft and what it runs with. */
interface DraftRun {
  readonly draft: Draft;
  readonly driver: Driver;
  readonly log: DraftLog;
  readonly sweep: DeadlineSweep;
  readonly options: DraftRunnerOptions;
  readonly signal: AbortSignal;
}

type RunOutcome = Omit<DraftOutcome, "logs" | "logsDropped">;

async function prepareAndServe(run: DraftRun): Promise<RunOutcome> {
  const { draft, options, signal } = run;
  const { clock } = options;
  const begunMs = clock.monotonicMs();
  let preparedMs = begunMs;
  let startedMs = begunMs;
  try {
    const { manifest, files, id: deploymentId } = draft;
    const artifact = await options.materializer.prepare({ deploymentId, manifest, files }, signal);
    preparedMs = clock.monotonicMs();
    const instance = await start(run, artifact);
    startedMs = clock.monotonicMs();
    const times = { prepareMs: preparedMs - begunMs, startMs: startedMs - preparedMs };
    return { ...(await serve(run, instance)), ...times };
  } catch (error) {
    signal.throwIfAborted();
    const failure = { error: faultOf(error, draft), stack: undefined };
    const nowMs = clock.monotonicMs();
    const prepareMs = (preparedMs > begunMs ? preparedMs : nowMs) - begunMs;
    const startMs = preparedMs > begunMs ? nowMs - preparedMs : 0;
    return { ...unanswered, prepareMs, startMs, failure };
  }
}

/** Nothing was used, as long as no instance had it. */
const unused: DraftOutcome["usage"] = { runMs: 0, allotment: undefined };
const unanswered = {
  usage: unused,
  status: undefined,
  headers: [],
  body: Buffer.alloc(0),
  shape: undefined,
  durationMs: 0,
};

function start({ draft, driver, log, options, signal }: DraftRun, artifact: Artifact) {
  return driver.start(
    artifact,
    {
      projectId: draft.projectId,
      functionId: draft.id,
      functionName: draft.manifest.name,
      deploymentId: draft.id,
      revision,
      manifest: draft.manifest,
      env: draft.env,
      secrets: draft.secrets,
      startTimeoutMs: options.startTimeoutMs,
      onLog: (line) => log.add(line),
    },
    signal,
  );
}

/** Runs the invocation on the instance and stops it, however it ends. */
async function serve(
  run: DraftRun,
  instance: Instance,
): Promise<Omit<RunOutcome, "prepareMs" | "startMs">> {
  const { clock } = run.options;
  const { waitUntilMs } = run.draft.manifest.limits;
  const answer = new DraftAnswer();
  let graceMs = 0;
  try {
    const beganMs = clock.monotonicMs();
    const usage = await answered(run, instance, answer);
    const durationMs = clock.monotonicMs() - beganMs;
    const { status, headers, body, failure } = answer;
    if (failure === undefined) graceMs = Math.min(waitUntilMs, afterAnswerMsMax);
    return { status, headers, body, failure, shape: instance.shape, durationMs, usage };
  } finally {
    await instance.stop({ graceMs });
  }
}

/** Hands the request over; resolves with its use at the end of the answer, rejects when the signal aborts. */
async function answered(
  run: DraftRun,
  instance: Instance,
  answer: DraftAnswer,
): Promise<DraftOutcome["usage"]> {
  const { draft, signal, options } = run;
  const { method, url, headers, body } = draft.call;
  const functionPlan = planOf(draft);
  const target = targetOf(draft);
  let usage = unused;
  const invocation = new Invocation(
    contextOf(run, ({ runMs = 0, allotment }) => {
      usage = { runMs, allotment };
    }),
    {
      invocationId: draft.id,
      requestId: draft.requestId,
      method,
      url,
      headers,
      body,
      complete: true,
      caller: "",
      receivedAtMs: options.clock.monotonicMs(),
      route: {
        plan: emptyPlan,
        function: functionPlan,
        selector: String(revision),
        targets: [target],
        edge: {
          access: "public",
          forwardAuthorization: true,
          bodyInBytesMax: Infinity,
          cors: undefined,
          rateLimit: undefined,
          queues: false,
          policies: undefined,
        },
      },
    },
    answer,
  );
  answer.onTaken = (bytes) => invocation.consumed(bytes);
  const left = Promise.withResolvers<never>();
  const leave = (): void => {
    invocation.cancel("the caller left");
    left.reject(signal.reason);
  };
  signal.addEventListener("abort", leave, { once: true });
  try {
    signal.throwIfAborted();
    invocation.assign(target, hostOf(functionPlan));
    invocation.run(slotOf(instance, options.clock));
    await Promise.race([answer.over, left.promise]);
    return usage;
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

function slotOf(instance: Instance, clock: Clock): InstanceSlot {
  const slot = new InstanceSlot();
  slot.started(instance, clock.monotonicMs());
  slot.running = 1;
  return slot;
}

/** The invocation's surroundings: lines about it go to the draft's log, its record is not kept. */
function contextOf(
  { log, sweep, options }: DraftRun,
  record: (record: InvocationRecord) => void,
): ServingContext {
  const { clock, random } = options;
  return {
    clock,
    random,
    log: options.log,
    journal: { log: (line) => log.add(line), record },
    settings: defaultServingSettings,
    sweep,
    loadArtifact: () => Promise.reject(new Error("Assertion failed: a draft has one instance")),
  };
}

/** There is one instance and it is stopped after this invocation anyway, so nothing is to be replaced. */
function hostOf(functionPlan: FunctionPlan): InvocationHost<Invocation> {
  return {
    meter: new FunctionMeter(functionPlan),
    admit: (invocation) =>
      invocation.refuse(
        invocation.error("cold_start_failed", "The instance died before it took the request"),
      ),
    withdrawn() {},
    expired() {},
    released() {},
    suspect() {},
    condemn() {},
  };
}

function planOf({ id, projectId, manifest }: Draft): FunctionPlan {
  return {
    functionId: id,
    projectId,
    project: "",
    name: manifest.name,
    slug: slugOf(manifest.name),
    enabled: true,
    policies: [],
    aliases: new Map(),
    deployments: new Map(),
    env: { version: 1, env: {}, secrets: {} },
  };
}

function targetOf({ id, manifest }: Draft): RouteTarget {
  return {
    deployment: { deploymentId: id, revision, manifest, artifactBlob: "", shape: "" },
    label: manifest.name,
    weight: 1,
    weightTo: 1,
  };
}

/** What a failed prepare or start is; a bug stays one. */
function faultOf(error: unknown, { manifest }: Draft): ReactorError {
  if (error instanceof ReactorError) return error;
  if (!(error instanceof StartError)) throw error;
  return new ReactorError(
    "cold_start_failed",
    `Cannot start "${manifest.name}": ${error.message}`,
    {
      cause: error,
      details: { exit: wireExit(error.exit), log: error.log },
    },
  );
}
