import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import type { FunctionDatabases } from "../database/create-function-databases.ts";
import type { Caller } from "../domain/caller.ts";
import type { ProjectRecord } from "../domain/function.ts";
import type { QueuedInvocation } from "../domain/queue/queued-invocation.ts";
import type { FunctionRight } from "../domain/scopes.ts";
import type { Journal } from "../journal/journal.ts";
import type { DraftRunner } from "../serving/draft-runner.ts";
import type { RunningServing } from "../serving/create-serving.ts";
import type { Materializer } from "../serving/materializer.ts";
import type { Store, StoreWriter } from "../store/store.ts";
import type { BlobCollector } from "./blob-collector.ts";
import type { Backups } from "./backups.ts";
import type { CommandName, Commands } from "./control-plane.ts";
import type { ControlSettings } from "./control-settings.ts";
import type { DeployQueue } from "./deploy-queue.ts";
import type { KeyRotation } from "./key-rotation.ts";
import type { PlanChange, PlanKeeper } from "./plan-keeper.ts";
import type { PlaygroundRuns } from "./playground-runs.ts";
import type { ProjectRemovals } from "./project-removals.ts";
import type { StrandedDeployments } from "./recover.ts";
import type { Queue } from "./queue/create-queue.ts";
import type { SecretBox } from "./secret-box.ts";

/** What every command works with. */
export interface ControlServices {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly journal: Journal;
  readonly materializer: Materializer;
  readonly secretBox: SecretBox;
  readonly keyRotation: KeyRotation;
  readonly plans: PlanKeeper;
  readonly deploys: DeployQueue;
  readonly collector: BlobCollector;
  /** Absent: there is nothing on disk to back up. */
  readonly backups: Backups | undefined;
  /** Absent: functions have no database. */
  readonly databases: FunctionDatabases | undefined;
  readonly removals: ProjectRemovals;
  readonly stranded: StrandedDeployments;
  /** Absent: no draft can be run. */
  readonly drafts: DraftRunner | undefined;
  readonly playground: PlaygroundRuns;
  /** Absent: no hook can be run. */
  readonly serving: RunningServing | undefined;
  /** Absent: nothing can be queued. */
  readonly queue: Queue | undefined;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly log: Log;
  readonly settings: ControlSettings;
}

/** What a change leaves: its result, what the audit row says, and what the plan must show. */
interface Change<T> {
  readonly output: T;
  /** Facts about the change; never a secret value. */
  readonly details: Readonly<Record<string, unknown>>;
  readonly touched: readonly PlanChange[];
  /** What the change put into the queue. */
  readonly queued?: readonly QueuedInvocation[];
  /** `failed` when the change records a failure, such as a deployment's. */
  readonly outcome?: "ok" | "failed";
}

/** One run of a command. */
export interface CommandContext extends ControlServices {
  readonly caller: Caller;
  /**
   * Runs the work in one transaction together with its audit row, then publishes the plan; when it
   * resolves the change is durable and serving has it.
   */
  change<T>(work: (writer: StoreWriter) => Promise<Change<T>>): Promise<T>;
  /** Throws unless the caller may do this as well; for commands that find out later what they need. */
  require(access: Access): void;
  /**
   * The project of this name; `not_found` when there is none. Changes of the command are refused
   * when it was removed meanwhile.
   */
  project(name: string): Promise<ProjectRecord>;
}

/** Who may run a command. */
export type Access =
  /** The command itself checks what the input proves. */
  | { readonly anyone: true }
  /** One of the scopes, in the project. */
  | { readonly project: string; readonly scopes: readonly [string, ...string[]] }
  /** One of the rights on the function (by id or name), or one of the other scopes. */
  | {
      readonly project: string;
      readonly function: string;
      readonly rights: readonly [FunctionRight, ...FunctionRight[]];
      readonly scopes?: readonly string[];
    }
  /** The right on at least one function; the command shows no other function. */
  | {
      readonly project: string;
      readonly anyFunction: readonly [FunctionRight, ...FunctionRight[]];
    };

/** A command: who may run it, whether it leaves audit rows, and what it does. */
export interface Command<N extends CommandName> {
  access(input: Commands[N]["input"]): Access;
  /** What audit rows call the thing it changes; absent for commands that only read. */
  readonly subject?: (input: Commands[N]["input"]) => string;
  run(context: CommandContext, input: Commands[N]["input"]): Promise<Commands[N]["output"]>;
}

/** A table of some of the commands. */
export type CommandTable<N extends CommandName> = { readonly [K in N]: Command<K> };

/** Access by rights on the function that the input names, or by one of the other scopes. */
export function onFunction(
  { project, function: name }: { readonly project: string; readonly function: string },
  rights: readonly [FunctionRight, ...FunctionRight[]],
  scopes: readonly string[] = [],
): Access {
  return { project, function: name, rights, scopes };
}
