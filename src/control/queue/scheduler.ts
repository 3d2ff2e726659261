import type { Clock, Timer } from "../../base/clock.ts";
import { sha256Hex } from "../../base/digest.ts";
import type { Ids } from "../../base/ids.ts";
import type { Log } from "../../base/log.ts";
import type { FunctionPlan, Plan } from "../../domain/plan.ts";
import type { QueuedInvocation } from "../../domain/queue/queued-invocation.ts";
import { dueTicks, nextTicks, type Schedule } from "../../domain/schedule.ts";
import type { Store, StoreWriter } from "../../store/store.ts";
import { queueRulesOf, schedulesOf } from "./queue-functions.ts";
import { platformInvocation } from "./platform-invocation.ts";
import type { QueueSeal } from "./queue-seal.ts";

export interface SchedulerOptions {
  readonly store: Store;
  readonly plan: () => Plan;
  readonly seal: () => Promise<QueueSeal>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly nextPosition: () => number;
  /** What is durable in the queue now. */
  readonly onQueued: (invocation: QueuedInvocation) => void;
}

/** One schedule of one function. */
export interface ScheduleEntry {
  readonly functionPlan: FunctionPlan;
  readonly schedule: Schedule;
  /** The same for as long as function, expression, zone and payload are. */
  readonly key: string;
}

/** The wall clock may jump, so no timer is longer. */
const timerMsMax = 30_000;
const retryMs = 1000;

/** Every schedule that the plan has in force. */
export function scheduleEntries(plan: Plan): readonly ScheduleEntry[] {
  return [...plan.functions.values()].flatMap((functionPlan) =>
    schedulesOf(functionPlan).map((schedule) => {
      const { cron, timezone, payload } = schedule;
      const facts = JSON.stringify([functionPlan.functionId, cron, timezone, payload]);
      return { functionPlan, schedule, key: sha256Hex(facts).slice(0, 32) };
    }),
  );
}

/**
 * Puts ticks into the queue. A tick is queued in the transaction that notes that it was dealt with,
 * so it is there once, whenever the server is killed and whatever its clock does. A schedule that is
 * new begins now.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  #timer: Timer | undefined;
  #checking = false;
  #again = false;
  #closed = false;
  /** Nothing is scheduled, and the store knows of nothing either. */
  #isForgotten = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** Looks for ticks that are due, and waits for the next. */
  wake(): void {
    this.#again = true;
    if (this.#checking || this.#closed) return;
    this.#checking = true;
    void this.#checkAll();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #checkAll(): Promise<void> {
    const { clock, log } = this.#options;
    let nextMs = Infinity;
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        nextMs = await this.#check();
      } catch (error) {
        log.warn("schedules cannot be looked after; trying again", { error: String(error) });
        nextMs = clock.now() + retryMs;
      }
    }
    this.#checking = false;
    this.#timer?.cancel();
    if (nextMs === Infinity || this.#closed) return;
    const waitMs = Math.min(Math.max(0, nextMs - clock.now()), timerMsMax);
    this.#timer = clock.after(waitMs, () => this.wake());
  }

  /** When the next tick is due. */
  async #check(): Promise<number> {
    const { store, clock, plan } = this.#options;
    const entries = scheduleEntries(plan());
    if (entries.length === 0 && this.#isForgotten) return Infinity;
    const nowMs = clock.now();
    const known = await store.read((reader) => reader.scheduleTicks());
    const lastOf = new Map(known.map(({ key, lastMs }) => [key, lastMs]));
    await this.#forget(entries, [...lastOf.keys()]);
    let nextMs = Infinity;
    const due: ScheduleEntry[] = [];
    for (const entry of entries) {
      if (!entry.functionPlan.enabled) continue;
      const lastMs = lastOf.get(entry.key);
      const [next = Infinity] = nextTicks(entry.schedule, lastMs ?? nowMs, 1);
      if (lastMs === undefined || next <= nowMs) due.push(entry);
      else nextMs = Math.min(nextMs, next);
    }
    if (due.length === 0) return nextMs;
    await this.#queueTicks(due, nowMs);
    this.#again = true;
    return nextMs;
  }

  /** A schedule that was taken out and comes back later is a new one. */
  async #forget(entries: readonly ScheduleEntry[], known: readonly string[]): Promise<void> {
    const live = new Set(entries.map(({ key }) => key));
    const gone = known.filter((key) => !live.has(key));
    if (gone.length > 0) {
      await this.#options.store.write((writer) => writer.deleteScheduleTicks(gone));
    }
    this.#isForgotten = entries.length === 0;
  }

  async #queueTicks(due: readonly ScheduleEntry[], nowMs: number): Promise<void> {
    const { store, onQueued } = this.#options;
    const seal = await this.#options.seal();
    const queued = await store.write(async (writer) => {
      const inserted: QueuedInvocation[] = [];
      const known = await writer.scheduleTicks();
      for (const entry of due) {
        const lastMs = known.find(({ key }) => key === entry.key)?.lastMs;
        const { functionId } = entry.functionPlan;
        if (lastMs === undefined) {
          await writer.putScheduleTick({ key: entry.key, functionId, lastMs: nowMs });
          continue;
        }
        const { run, dealtWithMs } = dueTicks(entry.schedule, lastMs, nowMs);
        for (const tickMs of run) inserted.push(await this.insert(writer, entry, tickMs, seal));
        await writer.putScheduleTick({ key: entry.key, functionId, lastMs: dealtWithMs });
      }
      return inserted;
    });
    for (const invocation of queued) onQueued(invocation);
  }

  /** Queues one run of a schedule. */
  async insert(
    writer: StoreWriter,
    { functionPlan, schedule }: ScheduleEntry,
    tickMs: number,
    seal: QueueSeal,
  ): Promise<QueuedInvocation> {
    const { ids, clock, nextPosition } = this.#options;
    const id = ids.next("inv");
    const { record, facts, body } = platformInvocation({
      id,
      requestId: id,
      functionPlan,
      origin: "schedule",
      position: nextPosition(),
      nowMs: clock.now(),
      ageMsMax: queueRulesOf(functionPlan).ageMsMax,
      depth: 0,
      contentType: "application/json",
      headers: [
        "X-Reactor-Schedule",
        schedule.cron,
        "X-Reactor-Scheduled-At",
        new Date(tickMs).toISOString(),
      ],
      caller: { id: "schedule", name: "schedule" },
      body: Buffer.from(schedule.payload),
    });
    await writer.insertQueued(record, seal.seal(id, "request", { facts, body }));
    return record;
  }
}
