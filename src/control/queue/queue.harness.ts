import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../base/clock.ts";
import { createIds, type Ids } from "../../base/ids.ts";
import { silentLog } from "../../base/log.ts";
import { createSeededRandom, systemRandom } from "../../base/random.ts";
import type { ReactorError } from "../../domain/errors.ts";
import type { QueuedInvocation } from "../../domain/queue/queued-invocation.ts";
import type { AcceptedInvocation, AsyncRequest } from "../../serving/async-intake.ts";
import {
  type FunctionChanges,
  testFunction,
  testPlan,
} from "../../serving/plan-builder.harness.ts";
import { ServingBench } from "../../serving/serving.harness.ts";
import { createFailingStore, type FailingStore } from "../../store/failing/failing-store.ts";
import { openSqliteStore } from "../../store/sqlite/open-sqlite-store.ts";
import type { Store } from "../../store/store.ts";
import { createSecretBox } from "../secret-box.ts";
import { createQueue, type Queue } from "./create-queue.ts";
import { defaultQueueSettings, type QueueSettings } from "./queue-settings.ts";

const turnsMax = 20_000;

/** A queue over a real SQLite file and a scripted driver; its time is virtual. */
export class QueueBench implements AsyncDisposable {
  readonly serving = new ServingBench();
  readonly store: FailingStore;
  readonly folder: string;
  queue: Queue;
  readonly #real: Store;
  readonly #settings: QueueSettings;
  readonly #ids: Ids = createIds(this.serving.clock, createSeededRandom(5));
  readonly #secretBox = createSecretBox({
    current: { id: "m1", bytes: systemRandom.bytes(32) },
    random: systemRandom,
  });

  private constructor(folder: string, store: Store, settings: Partial<QueueSettings>) {
    this.folder = folder;
    this.#real = store;
    this.store = createFailingStore(store);
    this.#settings = { ...defaultQueueSettings, ...settings };
    this.queue = this.#create();
  }

  /** With these functions, which are stored and in the plan. */
  static async open(
    functions: readonly FunctionChanges[],
    settings: Partial<QueueSettings> = {},
  ): Promise<QueueBench> {
    const folder = await mkdtemp(join(tmpdir(), "reactor-queue-"));
    const path = join(folder, "store.db");
    const store = await openSqliteStore({ path, clock: systemClock, log: silentLog });
    const bench = new QueueBench(folder, store, settings);
    for (const change of functions) {
      const { functionId: id, name, slug } = testFunction(change);
      const record = {
        id,
        projectId: "default",
        name,
        slug,
        runtime: "bun",
        enabled: true,
      } as const;
      const times = { createdAtMs: 1, updatedAtMs: 1, deletedAtMs: undefined, envVersion: 0 };
      await store.write((writer) =>
        writer.insertFunction({ ...record, ...times, isolation: "process" }),
      );
    }
    bench.apply(functions);
    await bench.queue.open();
    await bench.queue.start();
    return bench;
  }

  apply(functions: readonly FunctionChanges[]): void {
    const plans = functions.map((change) => ({ ...testFunction(change), projectId: "default" }));
    this.serving.serving.apply(testPlan(plans));
    this.queue.planChanged();
  }

  #create(): Queue {
    const { clock, serving } = this.serving;
    return createQueue({
      store: this.store,
      serving,
      secretBox: this.#secretBox,
      settings: this.#settings,
      clock,
      ids: this.#ids,
      random: systemRandom,
      log: silentLog,
    });
  }

  /** A server that was killed: its queue is forgotten, and the next one starts on the same store. */
  async restart(): Promise<void> {
    this.queue = this.#create();
    await this.queue.open();
    await this.queue.start();
  }

  send(
    body = "{}",
    change: Partial<AsyncRequest> & { readonly to?: string } = {},
  ): Promise<AcceptedInvocation | ReactorError> {
    const { to = "hello", ...wishes } = change;
    const route = this.serving.serving.routes.bySegment(to, undefined);
    if (typeof route === "string") throw new Error(`${to}: ${route}`);
    return this.queue.intake.accept({
      invocationId: this.#ids.next("inv"),
      requestId: "req_1",
      method: "POST",
      url: "http://localhost/",
      headers: ["Content-Type", "application/json"],
      caller: "",
      ip: "127.0.0.1",
      route,
      body: Buffer.from(body),
      idempotencyKey: undefined,
      orderingKey: undefined,
      delayMs: 0,
      ...wishes,
    });
  }

  /** The id of what must be accepted. */
  async accepted(...args: Parameters<QueueBench["send"]>): Promise<string> {
    const outcome = await this.send(...args);
    if (outcome instanceof Error) throw outcome;
    return outcome.id;
  }

  async found(id: string): Promise<QueuedInvocation> {
    const record = await this.#real.read((reader) => reader.queuedInvocation(id));
    if (record === undefined) throw new Error(`no invocation ${id}`);
    return record;
  }

  /** Lets the store and the queue work, without virtual time passing, until it holds. */
  async until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    for (let turn = 0; turn < turnsMax; turn++) {
      await this.serving.clock.advance(0);
      if (await holds()) return;
      await Bun.sleep(0);
    }
    throw new Error(`Did not happen: ${what}`);
  }

  async untilState(id: string, state: QueuedInvocation["state"]): Promise<QueuedInvocation> {
    await this.until(`${id} is ${state}`, async () => (await this.found(id)).state === state);
    return this.found(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.store.restore();
    const state = { isClosed: false };
    const closing = this.queue.close().then(() => (state.isClosed = true));
    // Calls that a test left open are waited for as long as a stop may wait.
    while (!state.isClosed) {
      await this.serving.clock.advance(this.#settings.stopGraceMs + 1);
      await Bun.sleep(0);
    }
    await closing;
    await this.#real.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
