import type { Clock } from "../../base/clock.ts";
import type { Ids } from "../../base/ids.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import { eventTypes, type PlatformEvent } from "../../domain/event.ts";
import type { AsyncIntake } from "../../serving/async-intake.ts";
import type { RunningServing } from "../../serving/create-serving.ts";
import type { QueuedInvocation } from "../../domain/queue/queued-invocation.ts";
import type { Store, StoreWriter } from "../../store/store.ts";
import type { SecretBox } from "../secret-box.ts";
import { boundToEvent } from "../events/bound-to-event.ts";
import { queueEvent } from "../events/queue-event.ts";
import { DueFunctions } from "./due-functions.ts";
import { lookAgain } from "./look-again.ts";
import { createQueueIntake, type QueueIntake } from "./queue-intake.ts";
import type { QueueSeal } from "./queue-seal.ts";
import type { QueueSettings } from "./queue-settings.ts";
import { QueueTallies } from "./queue-tallies.ts";
import { type ScheduleEntry, Scheduler } from "./scheduler.ts";
import { SealKeeper } from "./seal-keeper.ts";
import { leaseMs, QueueWorker, type QueueWorkerCounts } from "./queue-worker.ts";

/** Figures of the queue. */
export interface QueueFigures extends QueueWorkerCounts {
  readonly accepted: number;
  readonly running: number;
  /** What each function has queued or running. */
  readonly waiting: readonly (readonly [functionId: string, count: number])[];
}

/** The durable queue: takes invocations, runs them, keeps what became of them. */
export interface Queue {
  readonly intake: AsyncIntake;
  /** Opens what is stored; undefined as long as nothing was ever queued. */
  readonly seal: QueueSeal | undefined;
  figures(): QueueFigures;
  /** Opens what is stored; from then on events can be queued. */
  open(): Promise<void>;
  /** Takes over what dead servers ran and begins to run what is due. */
  start(): Promise<void>;
  /** Serving has another plan. */
  planChanged(): void;
  /**
   * Runs what a commit has put (back) into the queue when that is durable, also when its outcome is
   * not known at first; settles as the commit does.
   */
  follow<T>(commit: Promise<T>, queued: () => readonly QueuedInvocation[]): Promise<T>;
  /** Counts nothing of these functions any more: what they have queued is erased. */
  forget(functionIds: readonly string[]): void;
  /** What queues events of the project in a transaction; `follow` the commit of that. */
  events(projectId: string): Promise<QueueEvent>;
  /** Takes nothing more, lets what runs end within the grace, and leaves the rest to the next start. */
  close(): Promise<void>;
  /** Queues what a schedule would, in the transaction; `follow` the commit of that. */
  runSchedule(
    writer: StoreWriter,
    entry: ScheduleEntry,
    seal: QueueSeal,
  ): Promise<QueuedInvocation>;
  /** The seal, made when there is none. */
  makeSeal(): Promise<QueueSeal>;
}

/** Queues an event for whoever is bound to it, in the transaction of what it tells of. */
export type QueueEvent = (
  writer: StoreWriter,
  event: PlatformEvent,
) => Promise<readonly QueuedInvocation[]>;

export interface QueueOptions {
  readonly store: Store;
  readonly serving: RunningServing;
  readonly secretBox: SecretBox;
  readonly settings: QueueSettings;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly log: Log;
}

const sweepMs = 10_000;
const collectMs = 60_000;
/** The most that one transaction removes. */
const removedMax = 500;

export function createQueue(options: QueueOptions): Queue {
  return new DurableQueue(options);
}

class DurableQueue implements Queue {
  readonly intake: QueueIntake;
  readonly #options: QueueOptions;
  readonly #owner: string;
  readonly #due = new DueFunctions();
  readonly #tallies: QueueTallies;
  readonly #keeper: SealKeeper;
  readonly #worker: QueueWorker;
  readonly #timers: { cancel(): void }[] = [];
  readonly #scheduler: Scheduler;
  #position = 0;
  #started = false;
  #isClosed = false;

  constructor(options: QueueOptions) {
    const { settings, ids } = options;
    this.#options = options;
    this.#owner = ids.next("srv");
    this.#tallies = new QueueTallies(settings);
    this.#keeper = new SealKeeper(options);
    const shared = {
      ...options,
      due: this.#due,
      tallies: this.#tallies,
      nextPosition: () => (this.#position += 1),
    };
    this.#scheduler = new Scheduler({
      ...shared,
      plan: () => options.serving.plan,
      seal: () => this.#keeper.get(),
      onQueued: (invocation) => this.#added(invocation),
    });
    const owner = this.#owner;
    this.#worker = new QueueWorker({
      ...shared,
      owner,
      seal: () => this.#keeper.seal,
      onUnsure: (queued) => this.#unsure(queued),
    });
    this.intake = createQueueIntake({
      ...shared,
      bodyBytesMax: settings.payloadBytesMax,
      seal: () => this.#keeper.get(),
      onAccepted: (functionId, dueAtMs) => {
        this.#due.mark(functionId, dueAtMs);
        this.#worker.wake();
      },
    });
  }

  get seal(): QueueSeal | undefined {
    return this.#keeper.seal;
  }

  figures(): QueueFigures {
    return {
      ...this.#worker.counts,
      accepted: this.intake.accepted,
      running: this.#worker.running,
      waiting: [...this.#tallies.functionIds].map((id) => [id, this.#tallies.of(id).count]),
    };
  }

  async open(): Promise<void> {
    await this.#keeper.open();
    this.#position = await this.#options.store.read((reader) => reader.queuePosition());
  }

  async start(): Promise<void> {
    const { store, clock, log } = this.#options;
    if (this.seal !== undefined) {
      const nowMs = clock.now();
      const taken = await store.write((writer) => writer.takeOverLeases(this.#owner, nowMs));
      if (taken > 0) log.info("queued invocations that the last stop cut off run again", { taken });
      this.#tallies.load(await store.read((reader) => reader.queueTallies()));
      for (const functionId of this.#tallies.functionIds) this.#due.mark(functionId, 0);
    }
    this.#timers.push(
      clock.every(leaseMs / 3, () => this.#renew()),
      clock.every(sweepMs, () => this.#worker.sweep()),
      clock.every(collectMs, () => this.#attempt("remove old invocations", collect(this.#options))),
    );
    this.#worker.sweep();
    this.#started = true;
    this.#scheduler.wake();
  }

  planChanged(): void {
    this.#worker.sweep();
    if (this.#started) this.#scheduler.wake();
  }

  async follow<T>(commit: Promise<T>, queued: () => readonly QueuedInvocation[]): Promise<T> {
    try {
      const output = await commit;
      for (const invocation of queued()) this.#added(invocation);
      return output;
    } catch (error) {
      this.#unsure(queued());
      throw error;
    }
  }

  forget(functionIds: readonly string[]): void {
    for (const functionId of functionIds) this.#tallies.forget(functionId);
  }

  async events(projectId: string): Promise<QueueEvent> {
    const { clock, ids, serving } = this.#options;
    const isHeard = eventTypes.some(
      (type) => boundToEvent(serving.plan, projectId, type).length > 0,
    );
    if (!isHeard) return () => Promise.resolve([]);
    const seal = await this.#keeper.get();
    const nextPosition = (): number => (this.#position += 1);
    return (writer, event) => {
      const context = { plan: serving.plan, seal, ids, nowMs: clock.now(), nextPosition };
      return queueEvent(writer, event, context);
    };
  }

  #added({ functionId, storedBytes }: QueuedInvocation): void {
    this.#tallies.add(functionId, storedBytes);
    this.#due.mark(functionId, 0);
    this.#worker.wake();
  }

  #unsure(queued: readonly QueuedInvocation[]): void {
    if (queued.length === 0) return;
    lookAgain(queued, {
      ...this.#options,
      isClosed: () => this.#isClosed,
      onSeen: (_, stored) => {
        if (stored?.state === "queued") this.#added(stored);
      },
    });
  }

  runSchedule(
    writer: StoreWriter,
    entry: ScheduleEntry,
    seal: QueueSeal,
  ): Promise<QueuedInvocation> {
    return this.#scheduler.insert(writer, entry, this.#options.clock.now(), seal);
  }

  makeSeal(): Promise<QueueSeal> {
    return this.#keeper.get();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#scheduler.close();
    await this.intake.close();
    await this.#worker.close(this.#options.settings.stopGraceMs);
    for (const timer of this.#timers) timer.cancel();
  }

  #renew(): void {
    if (this.#worker.running === 0) return;
    const { store, clock } = this.#options;
    const untilMs = clock.now() + leaseMs;
    const renewal = store.write((writer) => writer.renewLeases(this.#owner, untilMs));
    this.#attempt("renew the leases of queued invocations", renewal);
  }

  #attempt(what: string, work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      this.#options.log.warn(`cannot ${what}`, { error: String(error) });
    });
  }
}

/** Removes finished invocations beyond their bounds. */
async function collect({ store, settings, clock }: QueueOptions): Promise<void> {
  const nowMs = clock.now();
  const retention = {
    finishedBeforeMs: nowMs - settings.finishedMsMax,
    deadBeforeMs: nowMs - settings.deadMsMax,
    countMax: settings.finishedMax,
    bytesMax: settings.bytesMax,
  };
  for (;;) {
    const ids = await store.read((reader) => reader.queuedBeyond(retention, removedMax));
    if (ids.length === 0) return;
    await store.write((writer) => writer.deleteQueued(ids));
  }
}
