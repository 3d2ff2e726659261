import type { Clock, Timer } from "../../base/clock.ts";
import { createDeferred } from "../../base/deferred.ts";
import { endOfTurn } from "../../base/end-of-turn.ts";
import type { Ids } from "../../base/ids.ts";
import type { Log } from "../../base/log.ts";
import { ReactorError } from "../../domain/errors.ts";
import { endOfAttempt } from "../../domain/queue/end-of-attempt.ts";
import type { QueuedInvocation } from "../../domain/queue/queued-invocation.ts";
import type { RunningServing } from "../../serving/create-serving.ts";
import type { Store, StoreWriter } from "../../store/store.ts";
import type { DueFunctions } from "./due-functions.ts";
import { concurrencyOf, functionOf, queueRulesOf } from "./queue-functions.ts";
import type { QueuePayload, QueueSeal } from "./queue-seal.ts";
import type { QueueSettings } from "./queue-settings.ts";
import type { QueueTallies } from "./queue-tallies.ts";
import { type AttemptResult, failedResult, runAttempt } from "./run-attempt.ts";
import { type Ending, settleEnding } from "./settle-ending.ts";
import type { RequestFacts } from "./stored-request.ts";

export interface QueueWorkerOptions {
  readonly store: Store;
  readonly serving: RunningServing;
  readonly due: DueFunctions;
  readonly tallies: QueueTallies;
  /** Undefined as long as nothing was ever queued. */
  readonly seal: () => QueueSeal | undefined;
  readonly owner: string;
  readonly settings: QueueSettings;
  readonly nextPosition: () => number;
  /** Hears what was queued by a commit whose outcome is not known. */
  readonly onUnsure: (queued: readonly QueuedInvocation[]) => void;
  readonly ids: Ids;
  readonly clock: Clock;
  readonly log: Log;
}

/** What the worker did since start. */
export interface QueueWorkerCounts {
  readonly attempts: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly dead: number;
}

/** A claimed invocation with what it runs on; undefined when that cannot be opened. */
interface Claimed {
  readonly invocation: QueuedInvocation;
  readonly request: QueuePayload<RequestFacts> | undefined;
}

interface ClaimRound {
  /** Functions with something due, and how many more of each may run. */
  readonly claimable: ReadonlyMap<string, number>;
  readonly room: number;
  readonly nowMs: number;
  readonly seal: QueueSeal;
}

/** How long a lease lasts; it is renewed three times in that time. */
export const leaseMs = 30_000;
const failedRoundRetryMs = 1000;
/** The wall clock may jump, so no timer is longer. */
const timerMsMax = 30_000;
/** The most that one round ends without an attempt, per reason. */
const hopelessMax = 100;

//  resting --wake--> in a round --nothing due--> resting
//  any --close--> closing --nothing runs--> closed

/**
 * Runs what is due. A round is one transaction: it settles the attempts that ended and claims what
 * may run next, so that under load one sync of the disk serves many invocations.
 */
export class QueueWorker {
  readonly #options: QueueWorkerOptions;
  readonly #running = new Set<string>();
  #endings: Ending[] = [];
  #inRound = false;
  #again = false;
  #isUnsure = false;
  #closing = false;
  #sweepDue = false;
  #timer: Timer | undefined;
  readonly #quiet = createDeferred<void>();
  readonly #counts = { attempts: 0, succeeded: 0, failed: 0, dead: 0 };

  constructor(options: QueueWorkerOptions) {
    this.#options = options;
  }

  get counts(): QueueWorkerCounts {
    return this.#counts;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Looks for what is due at the end of this turn. */
  wake(): void {
    this.#again = true;
    if (this.#isClosed()) this.#quiet.resolve();
    else if (!this.#inRound) {
      this.#inRound = true;
      endOfTurn(() => void this.#rounds());
    }
  }

  /** Ends, in the next round, what waits beyond its time or for a function that is no more. */
  sweep(): void {
    this.#sweepDue = true;
    this.wake();
  }

  /** Claims nothing more; resolves when what runs has ended and is written, or after the grace. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    const late = this.#options.clock.after(graceMs, () => this.#quiet.resolve());
    this.wake();
    await this.#quiet.promise;
    late.cancel();
    this.#timer?.cancel();
  }

  #isClosed(): boolean {
    return this.#closing && this.#running.size === 0 && this.#endings.length === 0;
  }

  async #rounds(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      if (await this.#round()) continue;
      this.#timer?.cancel();
      this.#timer = this.#options.clock.after(failedRoundRetryMs, () => this.wake());
      this.#inRound = false;
      return;
    }
    this.#inRound = false;
    if (this.#isClosed()) this.#quiet.resolve();
    else if (!this.#closing) this.#rest();
  }

  /** Waits for what is due next. */
  #rest(): void {
    const { clock, due } = this.#options;
    this.#timer?.cancel();
    this.#timer = undefined;
    const nextMs = due.next((functionId) => this.#limitOf(functionId));
    if (nextMs === undefined || this.#running.size >= this.#options.settings.runningMax) return;
    const waitMs = Math.min(Math.max(0, nextMs - clock.now()), timerMsMax);
    this.#timer = clock.after(waitMs, () => this.wake());
  }

  #limitOf(functionId: string): number {
    const functionPlan = functionOf(this.#options.serving.plan, functionId);
    return functionPlan?.enabled === true ? concurrencyOf(functionPlan) : 0;
  }

  /** False when the store failed. */
  async #round(): Promise<boolean> {
    const { store, clock, due, settings, seal: sealed, log } = this.#options;
    const seal = sealed();
    const nowMs = clock.now();
    const room = this.#closing ? 0 : settings.runningMax - this.#running.size;
    const claimable =
      room <= 0 ? new Map() : due.claimable(nowMs, (functionId) => this.#limitOf(functionId));
    const sweeps = this.#sweepDue && !this.#closing && !this.#options.tallies.isEmpty;
    const isIdle = this.#endings.length === 0 && claimable.size === 0 && !sweeps;
    if (seal === undefined || isIdle) return true;
    const endings = this.#endings.splice(0);
    let told: readonly QueuedInvocation[] = [];
    try {
      const round = await store.write(async (writer) => {
        if (this.#isUnsure) await this.#putBackLost(writer, endings, nowMs);
        const hopeless = sweeps ? await this.#hopeless(writer, nowMs) : [];
        told = await this.#settle(writer, [...endings, ...hopeless], seal, nowMs);
        const claims = await this.#claim(writer, { claimable, room, nowMs, seal });
        return { hopeless, ...claims };
      });
      this.#isUnsure = false;
      if (sweeps) this.#sweepDue = round.hopeless.length >= hopelessMax;
      this.#settled([...endings, ...round.hopeless], told, nowMs);
      for (const [functionId, dueMs] of round.nextDue) due.set(functionId, dueMs);
      for (const claimed of round.claimed) this.#start(claimed);
      return true;
    } catch (error) {
      // The commit may have happened: what it claimed is put back then, what it settled is not settled
      // again, and what it queued is found later.
      if (told.length > 0) this.#options.onUnsure(told);
      this.#isUnsure = true;
      this.#endings.unshift(...endings);
      this.#again = false;
      log.warn("the queue cannot be written; trying again", { error: String(error) });
      return false;
    }
  }

  /** What a commit whose outcome was unknown has claimed and nobody runs. */
  async #putBackLost(
    writer: StoreWriter,
    endings: readonly Ending[],
    nowMs: number,
  ): Promise<void> {
    const held = new Set([...this.#running, ...endings.map(({ invocation }) => invocation.id)]);
    for (const id of await writer.runningQueued(this.#options.owner)) {
      const record = held.has(id) ? undefined : await writer.queuedInvocation(id);
      if (record === undefined) continue;
      const tries = record.tries - 1;
      await writer.updateQueued(id, { state: "queued", dueAtMs: nowMs, lease: undefined, tries });
      this.#options.due.mark(record.functionId, nowMs);
    }
  }

  async #settle(
    writer: StoreWriter,
    endings: readonly Ending[],
    seal: QueueSeal,
    nowMs: number,
  ): Promise<readonly QueuedInvocation[]> {
    const { owner, ids, nextPosition, serving } = this.#options;
    const context = { owner, seal, ids, nextPosition, plan: serving.plan, nowMs };
    const told: QueuedInvocation[] = [];
    for (const ending of endings) {
      told.push(...(await settleEnding(writer, ending, context)));
    }
    return told;
  }

  async #hopeless(writer: StoreWriter, nowMs: number): Promise<readonly Ending[]> {
    const { serving, tallies } = this.#options;
    const tooOld = new ReactorError(
      "invocation_expired",
      "It was older than its max_age_secs before it could run",
    );
    const deleted = new ReactorError("function_not_found", "Its function was deleted");
    const all = { functionId: undefined, nowMs, limit: hopelessMax };
    const found = (await writer.expiredQueued(all)).map((one) => this.#deadEnding(one, tooOld));
    for (const functionId of tallies.functionIds) {
      if (functionOf(serving.plan, functionId) !== undefined) continue;
      const of = { functionId, nowMs: Number.MAX_SAFE_INTEGER, limit: hopelessMax };
      const left = await writer.expiredQueued(of);
      const known = new Set(found.map(({ invocation }) => invocation.id));
      const fresh = left.filter(({ id }) => !known.has(id));
      found.push(...fresh.map((one) => this.#deadEnding(one, deleted)));
    }
    return found;
  }

  #deadEnding(invocation: QueuedInvocation, error: ReactorError): Ending {
    return {
      invocation,
      request: undefined,
      result: failedResult(error).result,
      verdict: { state: "dead" },
      target: undefined,
      function: functionOf(this.#options.serving.plan, invocation.functionId),
    };
  }

  async #claim(
    writer: StoreWriter,
    { claimable, room, nowMs, seal }: ClaimRound,
  ): Promise<{ claimed: readonly Claimed[]; nextDue: ReadonlyMap<string, number | undefined> }> {
    const { owner } = this.#options;
    const claimed: Claimed[] = [];
    const nextDue = new Map<string, number | undefined>();
    for (const [functionId, free] of claimable) {
      const limit = Math.min(free, room - claimed.length);
      if (limit <= 0) break;
      const lease = { owner, leaseUntilMs: nowMs + leaseMs };
      for (const invocation of await writer.claimQueued({ functionId, nowMs, limit, ...lease })) {
        const bytes = await writer.queuePayload(invocation.id, "request");
        claimed.push({ invocation, request: this.#open(seal, invocation, bytes) });
      }
      nextDue.set(functionId, await writer.nextDueMs(functionId));
    }
    return { claimed, nextDue };
  }

  #open(
    seal: QueueSeal,
    { id }: QueuedInvocation,
    bytes: Uint8Array | undefined,
  ): Claimed["request"] {
    if (bytes === undefined) return undefined;
    try {
      return seal.open<RequestFacts>(id, "request", bytes);
    } catch (error) {
      this.#options.log.error("a queued request cannot be opened", { id, error: String(error) });
      return undefined;
    }
  }

  #start(claimed: Claimed): void {
    const { due } = this.#options;
    const { invocation } = claimed;
    this.#running.add(invocation.id);
    this.#counts.attempts += 1;
    due.began(invocation.functionId);
    void this.#run(claimed);
  }

  async #run({ invocation, request }: Claimed): Promise<void> {
    const { serving, clock } = this.#options;
    const attempt = await this.#attempt({ invocation, request });
    const functionPlan = functionOf(serving.plan, invocation.functionId);
    const retry = attempt.target?.deployment.manifest.queue ?? queueRulesOf(functionPlan);
    const verdict =
      request === undefined
        ? ({ state: "dead" } as const)
        : endOfAttempt({
            end: attempt.end,
            retry,
            tries: invocation.tries,
            nowMs: clock.now(),
            expiresAtMs: invocation.expiresAtMs,
            random: serving.context.random,
          });
    const { result, target } = attempt;
    // What a stop of the server cut off is the next start's, and not the function's failure.
    if (this.#closing && attempt.end.kind === "failed") {
      this.#running.delete(invocation.id);
      this.wake();
      return;
    }
    this.#endings.push({ invocation, request, result, verdict, target, function: functionPlan });
    this.wake();
  }

  #attempt({ invocation, request }: Claimed): Promise<AttemptResult> {
    const { serving, settings } = this.#options;
    if (request === undefined) {
      const error = new ReactorError("storage_unavailable", "Its stored request cannot be opened");
      return Promise.resolve({ ...failedResult(error), target: undefined });
    }
    const functionPlan = functionOf(serving.plan, invocation.functionId);
    const { resultBytesMax } = settings;
    return runAttempt({ serving, invocation, request, functionPlan, resultBytesMax });
  }

  /** Brings what is kept in memory to what was written. */
  #settled(endings: readonly Ending[], told: readonly QueuedInvocation[], nowMs: number): void {
    const { due, tallies } = this.#options;
    for (const ending of endings) {
      const { invocation, verdict } = ending;
      const { functionId } = invocation;
      if (this.#running.delete(invocation.id)) due.ended(functionId, nowMs);
      else due.mark(functionId, nowMs);
      if (verdict.state === "queued") due.mark(functionId, verdict.dueAtMs);
      else {
        tallies.remove(functionId, invocation.storedBytes);
        this.#counts[verdict.state] += 1;
        if (verdict.state === "dead") this.#tell(ending);
      }
    }
    for (const { functionId, storedBytes } of told) {
      tallies.add(functionId, storedBytes);
      due.mark(functionId, nowMs);
    }
    if (endings.length > 0 || told.length > 0) this.#again = true;
  }

  /** A line in the function's log. */
  #tell({ invocation, result, target }: Ending): void {
    const { clock, serving } = this.#options;
    const why = result.facts.error?.message ?? `it was answered with ${result.facts.status}`;
    serving.context.journal.log({
      atMs: clock.now(),
      level: "error",
      source: "platform",
      functionId: invocation.functionId,
      deploymentId: target?.deployment.deploymentId ?? "",
      invocationId: invocation.id,
      requestId: invocation.requestId,
      message: `Queued invocation is dead after ${invocation.attempt} attempts: ${why}`,
    });
  }
}
