import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "../../base/clock.ts";
import { createIds } from "../../base/ids.ts";
import { type Log, silentLog } from "../../base/log.ts";
import { systemRandom } from "../../base/random.ts";
import type { BlobStore } from "../../blobs/blob-store.ts";
import { openDirectoryBlobStore } from "../../blobs/directory/open-directory-blob-store.ts";
import { type Caller, systemCaller } from "../../domain/caller.ts";
import type { Artifact, PrepareRequest } from "../../drivers/driver.ts";
import { emptyPlan, type Plan } from "../../domain/plan.ts";
import type { DraftRunner } from "../../serving/draft-runner.ts";
import type { MaterializeRequest, Materialized } from "../../serving/materializer.ts";
import { openSqliteStore } from "../../store/sqlite/open-sqlite-store.ts";
import type { Store } from "../../store/store.ts";
import {
  type ControlPlaneOptions,
  createControlPlane,
  type StartedControlPlane,
} from "../create-control-plane.ts";
import type { CommandName, Commands, Upload } from "../control-plane.ts";
import { type ControlSettings, defaultControlSettings } from "../control-settings.ts";
import { createMemoryJournal } from "./memory-journal.ts";

type Materialize = (request: MaterializeRequest, signal: AbortSignal) => Promise<Materialized>;

/** What a healthy driver finds in any code. */
export const ready: Materialize = () => Promise.resolve({ shape: "fetch" });

export interface TestPlaneOptions {
  readonly settings?: Partial<ControlSettings>;
  readonly log?: Log;
  /** The plane's own clock; store and blobs keep the real one. */
  readonly clock?: Clock;
  /** Wraps the real store, to make it fail. */
  readonly wrapStore?: (store: Store) => Store;
  readonly drafts?: DraftRunner;
  /** Other master keys, and how the master key changes; asked at every start. */
  readonly keys?: () => Pick<ControlPlaneOptions, "previousMasterKeys" | "masterKeyFile">;
}

/** A control plane over a real SQLite file and blob folder, with a materializer under control. */
export class TestPlane implements AsyncDisposable {
  readonly folder: string;
  readonly journal: ReturnType<typeof createMemoryJournal> = createMemoryJournal();
  readonly plans: Plan[] = [];
  readonly masterKey: { id: string; bytes: Uint8Array } = {
    id: "m1",
    bytes: systemRandom.bytes(32),
  };
  /** Every request that the materializer got. */
  readonly materialized: MaterializeRequest[] = [];
  materialize: Materialize = ready;
  /** What a healthy driver would make of any code. */
  prepare: (request: PrepareRequest) => Promise<Artifact> = ({ deploymentId }) =>
    Promise.resolve({
      deploymentId,
      entrypoint: "index.js",
      code: Buffer.from(`artifact of ${deploymentId}`),
    });
  check: () => void = () => undefined;
  checkRuntime: (runtime: string) => void = () => undefined;
  #started: { plane: StartedControlPlane; store: Store; blobs: BlobStore } | undefined;
  #published = Promise.withResolvers<Plan>();
  readonly #options: TestPlaneOptions;

  private constructor(folder: string, options: TestPlaneOptions) {
    this.folder = folder;
    this.#options = options;
  }

  static async open(options: TestPlaneOptions = {}): Promise<TestPlane> {
    const test = new TestPlane(await mkdtemp(join(tmpdir(), "reactor-control-")), options);
    await test.start();
    return test;
  }

  get plane(): StartedControlPlane {
    return this.#running().plane;
  }

  get store(): Store {
    return this.#running().store;
  }

  get blobs(): BlobStore {
    return this.#running().blobs;
  }

  get plan(): Plan {
    return this.plans.at(-1) ?? emptyPlan;
  }

  #running(): { plane: StartedControlPlane; store: Store; blobs: BlobStore } {
    if (this.#started === undefined) throw new Error("the test plane is stopped");
    return this.#started;
  }

  /** Resolves with the plan that is published next. */
  nextPlan(): Promise<Plan> {
    return this.#published.promise;
  }

  async start(): Promise<void> {
    const clock = this.#options.clock ?? systemClock;
    const path = join(this.folder, "store.db");
    const real = await openSqliteStore({ path, clock: systemClock, log: silentLog });
    const store = this.#options.wrapStore?.(real) ?? real;
    const blobs = await openDirectoryBlobStore({
      path: join(this.folder, "blobs"),
      clock: systemClock,
    });
    try {
      const plane = await createControlPlane({
        store,
        blobs,
        journal: this.journal,
        materializer: {
          check: () => this.check(),
          checkRuntime: (runtime) => this.checkRuntime(runtime),
          prepare: (request) => this.prepare(request),
          materialize: (request, signal) => {
            this.materialized.push(request);
            return this.materialize(request, signal);
          },
        },
        ...(this.#options.drafts === undefined ? {} : { drafts: this.#options.drafts }),
        publish: (plan) => {
          this.plans.push(plan);
          this.#published.resolve(plan);
          this.#published = Promise.withResolvers();
        },
        masterKey: this.masterKey,
        ...this.#options.keys?.(),
        clock,
        ids: createIds(clock, systemRandom),
        random: systemRandom,
        log: this.#options.log ?? silentLog,
        settings: { ...defaultControlSettings, ...this.#options.settings },
      });
      this.#started = { plane, store, blobs };
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** Closes store and plane; `start` opens the same folder again. */
  async stop(): Promise<void> {
    const { plane, store } = this.#running();
    await plane.close();
    await store.close();
    this.#started = undefined;
  }

  run<N extends CommandName>(
    name: N,
    input: Commands[N]["input"],
    caller: Caller = systemCaller,
  ): Promise<Commands[N]["output"]> {
    return this.plane.execute(name, input, caller);
  }

  /** Creates a function of the default project. */
  create(name: string): Promise<Commands["functions.create"]["output"]> {
    return this.run("functions.create", { project: "default", name });
  }

  /** Deploys files by path to a function of the default project. */
  deploy(
    name: string,
    files: Readonly<Record<string, string>> = { "index.ts": "export default {}" },
    more: Partial<Commands["deployments.create"]["input"]> = {},
  ): Promise<Commands["deployments.create"]["output"]> {
    return this.run("deployments.create", {
      ...ref(name),
      upload: filesUpload(files),
      bundleSha256: undefined,
      promote: false,
      ...more,
    });
  }

  promote(name: string, deployment?: string): Promise<Commands["functions.promote"]["output"]> {
    return this.run("functions.promote", { ...ref(name), deployment });
  }

  rollback(name: string, deployment?: string): Promise<Commands["functions.rollback"]["output"]> {
    return this.run("functions.rollback", { ...ref(name), deployment });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#started !== undefined) await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A function of the default project. */
export function ref(name: string): { project: string; function: string } {
  return { project: "default", function: name };
}

export function filesUpload(files: Readonly<Record<string, string>>): Upload {
  const entries = Object.entries(files).map(([path, text]) => [path, Buffer.from(text)] as const);
  return { kind: "files", files: new Map(entries) };
}

/** A key's caller with these scopes. */
export function keyCaller(scopes: readonly string[], project = "*"): Caller {
  return { kind: "key", id: "key_test", project, scopes };
}
