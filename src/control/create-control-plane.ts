import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { FunctionDatabases } from "../database/create-function-databases.ts";
import { type Caller, systemCaller } from "../domain/caller.ts";
import { ReactorError } from "../domain/errors.ts";
import type { ProjectRecord } from "../domain/function.ts";
import type { Plan } from "../domain/plan.ts";
import type { QueuedInvocation } from "../domain/queue/queued-invocation.ts";
import type { Journal } from "../journal/journal.ts";
import type { DraftRunner } from "../serving/draft-runner.ts";
import type { RunningServing } from "../serving/create-serving.ts";
import type { Materializer } from "../serving/materializer.ts";
import type { Store, StoreReader } from "../store/store.ts";
import { requireProject } from "../domain/scopes.ts";
import { auditRecord, refusalOf } from "./audit.ts";
import { authenticate } from "./authenticate.ts";
import { authorise } from "./authorise.ts";
import { createBackups } from "./backups.ts";
import { type BlobCollector, createBlobCollector } from "./blob-collector.ts";
import { collectableDeployments } from "./collect-failed-deployments.ts";
import type { Access, Command, CommandContext, ControlServices } from "./command.ts";
import { commandTable } from "./commands/command-table.ts";
import type { CommandName, Commands, ControlPlane } from "./control-plane.ts";
import type { ControlSettings } from "./control-settings.ts";
import { createDeployQueue } from "./deploy-queue.ts";
import { lookUpFunction, looksLikeFunctionId } from "./find-function.ts";
import { createKeyRotation } from "./key-rotation.ts";
import type { MasterKeyFile } from "./master-key-file.ts";
import { newApiKey } from "./new-api-key.ts";
import { createPlanKeeper, type PlanChange } from "./plan-keeper.ts";
import { createPlaygroundRuns } from "./playground-runs.ts";
import { createStrandedDeployments, failInterruptedDeployments } from "./recover.ts";
import { createProjectRemovals } from "./project-removals.ts";
import { createQueue, type Queue } from "./queue/create-queue.ts";
import { createSecretBox, type MasterKey } from "./secret-box.ts";

export interface ControlPlaneOptions {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly journal: Journal;
  readonly materializer: Materializer;
  /** Absent: no draft can be run. */
  readonly drafts?: DraftRunner;
  /** What runs queued invocations; absent: there is no queue. */
  readonly serving?: RunningServing;
  /** Absent: functions have no database. */
  readonly databases?: FunctionDatabases;
  /** Hears every new plan, the first before `createControlPlane` resolves. Must not throw. */
  readonly publish: (plan: Plan) => void;
  readonly masterKey: MasterKey;
  /** Keys that secrets may still be sealed under; those secrets are moved to the master key. */
  readonly previousMasterKeys?: readonly MasterKey[];
  /** How the master key's file is changed; absent: the server cannot change the key. */
  readonly masterKeyFile?: MasterKeyFile | undefined;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly log: Log;
  readonly settings: ControlSettings;
  /** Where backups are made: a folder of its own for copies of the store. Absent: none can be made. */
  readonly backup?: { readonly folder: string; readonly serverVersion: string };
}

/** The control plane with what only the server that started it may do. */
export interface StartedControlPlane extends ControlPlane {
  /**
   * Makes the first API key, with every scope in every project, when no key was ever made: hands it
   * to `save`, which must put it where the operator finds it, and only then stores its digest, so
   * that a stop in between leaves a useless file and not a key nobody has. Resolves whether it did.
   */
  ensureAdminKey(save: (key: string) => Promise<void>): Promise<boolean>;
  readonly collector: BlobCollector;
  readonly queue: Queue | undefined;
}

/**
 * Opens the one door for changes: fails the deployments that the last stop interrupted, builds the
 * plan and publishes it. Rejects with `storage_unavailable` when the store cannot be read or its
 * secrets are sealed under a master key that is not given.
 */
export async function createControlPlane(
  options: ControlPlaneOptions,
): Promise<StartedControlPlane> {
  const collector = createBlobCollector({
    ...options,
    referencedBlobs: () => options.store.read((reader) => reader.referencedBlobs()),
    collectDeployments: () => collectAll(services),
    graceMs: options.settings.blobGraceMs,
  });
  const { backup } = options;
  const sealed = openSealing(options);
  const { sealing } = sealed;
  const backups = backup && (await createBackups({ ...options, ...backup, collector, sealing }));
  const services: ControlServices = createServices(options, { ...sealed, collector, backups });
  const { store, plans, deploys, clock } = services;
  await ensureDefaultProject(services);
  if (sealed.mayBeBehind) await sealed.keyRotation.resume();
  await plans.load();
  await services.queue?.open();
  // With a plan and a queue, so that those who are bound to it hear of each.
  await failInterruptedDeployments(services);
  await services.queue?.start();
  services.removals.start();
  collector.start();
  const running = new Set<Promise<unknown>>();
  let closed = false;
  return {
    collector,
    queue: services.queue,
    async execute(name, input, caller) {
      if (closed) throw stopping();
      const result = run(services, name, input, caller);
      running.add(result);
      try {
        return await result;
      } finally {
        running.delete(result);
      }
    },
    authenticate: (key) => authenticate(plans.plan, key, clock.now()),
    async ensureAdminKey(save) {
      const present = await store.read((reader) => reader.apiKeys());
      if (present.length > 0) return false;
      const wanted = { projectId: "*", name: "admin", scopes: ["*"], expiresAtMs: undefined };
      const { key, record } = newApiKey(services, wanted);
      await save(key);
      const context = createContext(services, "keys.create", "*:admin", systemCaller);
      await context.change(async (writer) => {
        await writer.insertApiKey(record);
        return { output: undefined, details: { id: record.id }, touched: [{ keys: true }] };
      });
      return true;
    },
    async close() {
      closed = true;
      services.playground.close(stopping());
      await services.queue?.close();
      await deploys.close(stopping());
      await backups?.close();
      await Promise.allSettled(running);
      // A backup may have begun while the last one ended.
      await backups?.close();
      await collector.close();
      await services.removals.close();
      services.stranded.close();
      plans.close();
    },
  };
}

function stopping(): ReactorError {
  return new ReactorError("storage_unavailable", "Cannot do this now: the server is stopping", {
    retryAfterSecs: 5,
  });
}

/** What seals secrets, and how its key changes. */
function openSealing(options: ControlPlaneOptions) {
  const { store, masterKey, previousMasterKeys = [], masterKeyFile, random, log } = options;
  const secretBox = createSecretBox({ current: masterKey, previous: previousMasterKeys, random });
  const keyRotation = createKeyRotation({ store, secretBox, keyFile: masterKeyFile, log });
  return {
    secretBox,
    keyRotation,
    /** Secrets may be sealed under another key than the current one. */
    mayBeBehind: previousMasterKeys.length > 0 || masterKeyFile?.pending !== undefined,
    sealing: {
      get key() {
        return secretBox.current;
      },
      get isMoving() {
        return keyRotation.isUnderWay;
      },
    },
  };
}

function createServices(
  options: ControlPlaneOptions,
  parts: Pick<ControlServices, "secretBox" | "keyRotation" | "collector" | "backups">,
): ControlServices {
  const { store, blobs, journal, materializer, publish, clock, ids, random, log, settings } =
    options;
  const { secretBox, keyRotation, collector, backups } = parts;
  const { serving } = options;
  const queue =
    serving && createQueue({ ...options, serving, secretBox, settings: settings.queue });
  const published = (plan: Plan): void => {
    publish(plan);
    queue?.planChanged();
  };
  return {
    serving,
    queue,
    store,
    blobs,
    journal,
    materializer,
    clock,
    ids,
    random,
    log,
    settings,
    secretBox,
    keyRotation,
    collector,
    backups,
    stranded: createStrandedDeployments({ ...options, queue }),
    drafts: options.drafts,
    databases: options.databases,
    removals: createProjectRemovals({ store, databases: options.databases, clock, log }),
    playground: createPlaygroundRuns({ runningMax: settings.playgroundRunsMax }),
    plans: createPlanKeeper({ store, secretBox, publish: published, clock, log }),
    deploys: createDeployQueue({
      runningMax: settings.deploysRunningMax,
      waitingMax: settings.deploysWaitingMax,
    }),
  };
}

/** Runs `deployments.collect` until nothing is left to remove; resolves with how many rows went. */
async function collectAll(services: ControlServices): Promise<number> {
  const { store, settings } = services;
  let removed = 0;
  for (;;) {
    const due = await store.read((reader) =>
      collectableDeployments(reader, settings.failedDeploymentsKept),
    );
    // A pass that finds nothing leaves no audit row.
    if (due.length === 0) return removed;
    removed += (await run(services, "deployments.collect", {}, systemCaller)).length;
  }
}

async function ensureDefaultProject({ store, clock }: ControlServices): Promise<void> {
  const present = await store.read((reader) => reader.projects());
  if (present.some((project) => project.name === "default")) return;
  const project = { id: "default", name: "default", createdAtMs: clock.now() };
  await store.write((writer) => writer.insertProject(project));
}

/** Authorises, runs and, when a change is refused or fails, leaves the audit row of that. */
async function run<N extends CommandName>(
  services: ControlServices,
  name: N,
  input: Commands[N]["input"],
  caller: Caller,
): Promise<Commands[N]["output"]> {
  const command: Command<N> = commandTable[name];
  const subject = command.subject?.(input) ?? "";
  const context = createContext(services, name, subject, caller);
  try {
    await authoriseFor(context, command.access(input));
    return await command.run(context, input);
  } catch (error) {
    // An anonymous flood must not fill the audit table, and reads leave no rows.
    if (command.subject !== undefined && caller.kind !== "anonymous") {
      await auditRefusal(services, { caller, command: name, subject, ...refusalOf(error) });
    }
    throw error;
  }
}

async function authoriseFor(context: CommandContext, access: Access): Promise<void> {
  const { caller } = context;
  const byId = "function" in access && looksLikeFunctionId(access.function);
  // Whoever has no credential, or one of another project, learns nothing about ids.
  if (!byId || caller.kind === "anonymous") {
    context.require(access);
    return;
  }
  requireProject(caller, access.project);
  const project = await context.project(access.project);
  const record = await context.store.read((reader) =>
    lookUpFunction(reader, project, access.function),
  );
  authorise(caller, access, record?.name);
}

async function auditRefusal(
  services: ControlServices,
  facts: Parameters<typeof auditRecord>[1],
): Promise<void> {
  try {
    const record = auditRecord(services, { ...facts, subject: facts.subject.slice(0, 200) });
    await services.store.write((writer) => writer.insertAudit(record));
  } catch (error) {
    // The caller's own error matters more than that its row is missing.
    services.log.error("cannot write the audit row of a refusal", {
      command: facts.command,
      error: String(error),
    });
  }
}

function createContext(
  services: ControlServices,
  command: CommandName,
  subject: string,
  caller: Caller,
): CommandContext {
  const { store, plans } = services;
  const projects: ProjectRecord[] = [];
  return {
    ...services,
    caller,
    require: (access) => authorise(caller, access, undefined),
    async project(name) {
      const project = await findProject(store, name);
      projects.push(project);
      return project;
    },
    async change(work) {
      let touched: readonly PlanChange[] = [];
      let queued: readonly QueuedInvocation[] = [];
      const commit = store.write(async (writer) => {
        await requireThere(writer, projects);
        const change = await work(writer);
        const { details, outcome = "ok" } = change;
        await writer.insertAudit(
          auditRecord(services, { caller, command, subject, outcome, details }),
        );
        ({ touched, queued = [] } = change);
        return change.output;
      });
      const followed = services.queue?.follow(commit, () => queued) ?? commit;
      const output = await followed.catch(async (error: unknown) => {
        // The commit may have happened before it failed: the plan must show it then, or a key whose
        // revoke "failed" would open the door until the next change.
        if (touched.length > 0) await refreshUnsure(services, touched);
        throw error;
      });
      if (touched.length > 0) await plans.refresh(touched);
      return output;
    },
  };
}

/** Brings the plan up to what may have been committed; the keeper tries again by itself when it fails. */
async function refreshUnsure(
  { plans, log }: ControlServices,
  touched: readonly PlanChange[],
): Promise<void> {
  try {
    await plans.refresh(touched);
  } catch (error) {
    log.warn("cannot read back a change whose commit failed; trying again", {
      error: String(error),
    });
  }
}

async function findProject(store: Store, name: string): Promise<ProjectRecord> {
  const projects = await store.read((reader) => reader.projects());
  const found = projects.find((project) => project.name === name);
  if (found !== undefined) return found;
  throw projectMissing(name, "no project has this name");
}

/** A project that was removed after the command found it must not get anything new. */
async function requireThere(reader: StoreReader, wanted: readonly ProjectRecord[]): Promise<void> {
  if (wanted.length === 0) return;
  const present = new Set((await reader.projects()).map(({ id }) => id));
  const gone = wanted.find(({ id }) => !present.has(id));
  if (gone !== undefined) throw projectMissing(gone.name, "it was removed meanwhile");
}

function projectMissing(name: string, why: string): ReactorError {
  return new ReactorError(
    "not_found",
    `Cannot find project ${JSON.stringify(name.slice(0, 80))}: ${why}; create it with: reactor projects create NAME`,
    { details: { project: name.slice(0, 80) } },
  );
}
