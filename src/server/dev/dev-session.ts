import { createHash } from "node:crypto";
import path from "node:path";
import { ClientError } from "../../client/client-error.ts";
import type { ReactorClient } from "../../client/client.ts";
import type { DeployInput } from "../../client/deploy.ts";
import type { DeploymentResource, LogLineResource } from "../../client/resources.ts";
import { collectFiles } from "../../cli/collect-files.ts";
import type { CommandContext } from "../../cli/command.ts";
import { readSchema } from "../../cli/commands/db/read-schema.ts";
import { findProject, type FunctionFolder, type Project } from "../../cli/find-project.ts";
import { formatLogLine } from "../../cli/print-logs.ts";
import { stripControls } from "../../cli/strip-controls.ts";
import { ChangeQueue } from "./change-queue.ts";
import { codeFrame } from "./code-frame.ts";
import { EnvFiles } from "./env-files.ts";
import { watchTree } from "./watch-tree.ts";

/** That a revision is ready or failed is said with its address, or its code frame, when it is so. */
const aboutRevision = /^revision \d+ (?:is ready|failed)/;

interface Context extends Pick<CommandContext, "output" | "cwd" | "signal" | "clock"> {
  readonly dataDir: string;
}

/**
 * A save in a function's folder: should half of it be read, the whole follows. Not less: Bun tells of
 * one file once in a millisecond, and what is written right after that is only seen by reading later.
 */
const quietAfterSaveMs = 2;
/** Anything else: half a migration would be applied for good, half a move would delete a function. */
const quietMs = 100;

interface Followed {
  readonly folder: string;
  /** Of the files that were deployed last, whatever became of it. */
  readonly digest: string;
  /** Why they failed, when that was not said yet: they seemed to be half of a save. */
  readonly unsaid?: string;
}

/** Keeps a running server at what a project's files say. Knows the server by its client only. */
export class DevSession {
  readonly #context: Context;
  readonly #root: string;
  /** The root is the folder of a function that belongs to no project's folder. */
  readonly #isOneFunction: boolean;
  readonly #reactor: ReactorClient;
  readonly #env: EnvFiles;
  readonly #changes: ChangeQueue;
  readonly #known = new Map<string, Followed>();
  readonly #followers = new Map<string, AbortController>();

  constructor(context: Context, project: Project, reactor: ReactorClient) {
    const root = project.root ?? context.cwd;
    this.#context = context;
    this.#root = root;
    this.#isOneFunction = project.root === undefined;
    this.#reactor = reactor;
    this.#env = new EnvFiles(root, path.join(context.dataDir, "dev-env-keys"), reactor);
    this.#changes = new ChangeQueue({
      ...context,
      quietMs: (changed) => (this.#isSave(changed) ? quietAfterSaveMs : quietMs),
    });
  }

  /** Deploys everything, then what changes, until the signal aborts. */
  async run(): Promise<void> {
    const watch = watchTree(this.#root, (changed) => {
      if (this.#isOfProject(changed)) this.#changes.add(changed);
    });
    try {
      this.#changes.add(this.#root);
      for (;;) {
        const changed = await this.#changes.next();
        if (changed === undefined) break;
        await this.#round(changed).catch((error: unknown) => this.#fault(undefined, error));
      }
    } finally {
      watch.close();
      for (const follower of this.#followers.values()) follower.abort();
      await this.#env.clear();
    }
  }

  /** Other files in a project's root are nobody's, such as one that this output is written to. */
  #isOfProject(changed: string): boolean {
    if (this.#isOneFunction || this.#env.isOne(changed)) return true;
    const [top = ""] = path.relative(this.#root, changed).split(path.sep);
    return top === "functions" || top === "schema";
  }

  /** Whether it lies in the folder of a function that was deployed. */
  #isSave(changed: string): boolean {
    return [...this.#known.values()].some(({ folder }) => changed.startsWith(folder + path.sep));
  }

  async #round(changed: ReadonlySet<string>): Promise<void> {
    const isFirst = changed.has(this.#root);
    if (isFirst || [...changed].some((file) => this.#env.isOne(file))) await this.#applyEnv();
    const project = findProject(this.#context.cwd);
    await this.#remove(project, isFirst);
    const schema = path.join(this.#root, "schema");
    if (project.migrations.length > 0 && touches(changed, schema)) {
      await this.#migrate(schema).catch((error: unknown) => this.#fault("schema", error));
    }
    const touched = project.functions.filter(
      ({ name, folder }) => touches(changed, folder) || this.#known.get(name)?.folder !== folder,
    );
    await Promise.all(
      touched.map((one) =>
        this.#deploy(one).catch((error: unknown) => {
          // A file may be gone before it was read; the next round knows.
          if (!touches(this.#changes.waiting, one.folder)) this.#fault(one.name, error);
        }),
      ),
    );
  }

  async #applyEnv(): Promise<void> {
    const { set, unset, refused } = await this.#env.apply();
    const { output } = this.#context;
    for (const why of refused) output.warn(`.env: ${stripControls(why)}`);
    if (set.length + unset.length === 0) return;
    const text = [...set, ...unset.map((key) => `-${key}`)].join(", ");
    output.item({ event: "env", set, unset }, () => `env     ${text}`);
  }

  async #migrate(schema: string): Promise<void> {
    const { output, signal } = this.#context;
    const { applied } = await this.#reactor.migrateDatabase(await readSchema(schema), { signal });
    if (applied.length === 0) return;
    output.item({ event: "migrated", files: applied }, () => `schema  ${applied.join(", ")}`);
  }

  /** Functions whose folder went; at the start also those that went while nobody watched. */
  async #remove(project: Project, isFirst: boolean): Promise<void> {
    const { output, signal, cwd } = this.#context;
    const there = new Set(project.functions.map(({ name }) => name));
    const gone = [...this.#known.keys()].filter((name) => !there.has(name));
    if (isFirst && project.root === cwd) {
      for await (const { name } of this.#reactor.eachFunction({ signal })) {
        if (!there.has(name)) gone.push(name);
      }
    }
    for (const name of gone) {
      await this.#reactor.deleteFunction(name, { signal }).catch((error: unknown) => {
        // It never got as far as the server.
        if (!(error instanceof ClientError) || error.code !== "function_not_found") throw error;
      });
      this.#known.delete(name);
      this.#followers.get(name)?.abort();
      this.#followers.delete(name);
      output.item({ event: "removed", function: name }, () => `gone    ${name}`);
    }
  }

  async #deploy(one: FunctionFolder): Promise<void> {
    const { name, folder, ofProject } = one;
    const { output, signal, clock } = this.#context;
    const startedMs = clock.monotonicMs();
    const since = new Date(clock.now());
    const { files } = await collectFiles(folder, signal);
    const digest = digestOf(files);
    const known = this.#known.get(name);
    this.#known.set(name, { folder, digest });
    if (known?.digest === digest && known.folder === folder) {
      if (known.unsaid !== undefined) this.#fault(name, known.unsaid);
      return;
    }
    const input = { files, promote: true, ofProject };
    const deployment = await this.#send(name, input).catch(messageOf);
    if (typeof deployment === "string") return this.#failed(one, digest, deployment);
    this.#follow(name, folder, since);
    if (deployment.status !== "ready") {
      return this.#failed(one, digest, failureText(deployment));
    }
    const tookMs = Math.round(clock.monotonicMs() - startedMs);
    const { method, url } = addressOf(this.#reactor.url, name, deployment);
    const { revision } = deployment;
    output.item(
      { event: "live", function: name, revision, method, url, took_ms: tookMs },
      () => `live    ${name}@${revision}  ${method} ${url}  ${tookMs} ms`,
    );
  }

  /**
   * What was saved since may be the other half of it, and then this is nobody's mistake. Should the
   * next round find the same files, it says it.
   */
  #failed({ name, folder }: FunctionFolder, digest: string, why: string): void {
    if (touches(this.#changes.waiting, folder)) {
      this.#known.set(name, { folder, digest, unsaid: why });
    } else this.#fault(name, why);
  }

  async #send(name: string, input: DeployInput): Promise<DeploymentResource> {
    const { signal } = this.#context;
    try {
      return await this.#reactor.deploy(name, { ...input, createFunction: true }, { signal });
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== "function_exists") throw error;
      // Its folder went once and is back.
      await this.#reactor.restoreFunction(name, { signal });
      return this.#reactor.deploy(name, input, { signal });
    }
  }

  #follow(name: string, folder: string, since: Date): void {
    if (this.#followers.has(name)) return;
    const follower = new AbortController();
    this.#followers.set(name, follower);
    const signal = AbortSignal.any([follower.signal, this.#context.signal]);
    const follow = async (): Promise<void> => {
      const lines = this.#reactor.followLogs(name, { since, signal });
      for await (const line of lines) await this.#print(name, folder, line);
    };
    follow().catch((error: unknown) => {
      if (this.#followers.get(name) === follower) this.#followers.delete(name);
      if (!signal.aborted) this.#fault(name, error);
    });
  }

  async #print(name: string, folder: string, line: LogLineResource): Promise<void> {
    const { output } = this.#context;
    if (line.source === "platform" && aboutRevision.test(line.message)) return;
    const frame = line.level === "error" ? await codeFrame(line.message, folder) : undefined;
    output.item({ event: "log", function: name, ...line, frame: frame ?? null }, () => {
      const text = formatLogLine(output, line, { raw: false, owner: name });
      return frame === undefined ? text : `${text}\n${frame}`;
    });
  }

  /** Says what went wrong; what was live stays so. */
  #fault(name: string | undefined, error: unknown): void {
    if (this.#context.signal.aborted) return;
    const { output } = this.#context;
    const message = stripControls(messageOf(error));
    const owner = name === undefined ? "" : `${name}: `;
    if (output.json) output.item({ event: "failed", function: name ?? null, message }, () => "");
    else output.error(`${output.styleError("red", "failed")}  ${owner}${message}`);
  }
}

/** Whether one of the changed paths is the folder, lies in it, or holds it. */
function touches(changed: ReadonlySet<string>, folder: string): boolean {
  return [...changed].some(
    (file) =>
      file === folder || file.startsWith(folder + path.sep) || folder.startsWith(file + path.sep),
  );
}

function digestOf(files: ReadonlyMap<string, Uint8Array>): string {
  const hash = createHash("sha256");
  for (const [name, bytes] of files) hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  return hash.digest("hex");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The message; the build's log too, unless the message has it. */
function failureText({ failure }: DeploymentResource): string {
  const message = failure?.message ?? "no reason was recorded";
  const log = failure?.log?.trimEnd();
  return log === undefined || message.includes(log) ? message : `${message}\n${log}`;
}

function addressOf(
  url: string,
  name: string,
  { manifest }: DeploymentResource,
): { readonly method: string; readonly url: string } {
  const { route } = manifest;
  return route
    ? { method: route.method, url: `${url}${route.path}` }
    : { method: "POST", url: `${url}/fn/v1/${encodeURIComponent(name)}` };
}
