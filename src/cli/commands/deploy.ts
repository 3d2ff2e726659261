import path from "node:path";
import { ClientError, type ClientErrorCode } from "../../client/client-error.ts";
import type { ReactorClient } from "../../client/client.ts";
import type { DeploymentResource } from "../../client/resources.ts";
import { collectFiles } from "../collect-files.ts";
import { type CommandContext, defineCommand, exitCodes } from "../command.ts";
import { CommandFailure } from "../command-failure.ts";
import { describeFailure } from "../describe-failure.ts";
import { findProject, type FunctionFolder, type Project } from "../find-project.ts";
import { stripControls } from "../strip-controls.ts";
import { table } from "../table.ts";
import { UsageError } from "../usage-error.ts";
import { readSchema } from "./db/read-schema.ts";

/** Deploys that run at the same time; the server builds fewer at once and lets the others wait. */
const deploysMax = 4;
const tickMs = 100;

const wholeFaults: ReadonlySet<ClientErrorCode> = new Set([
  "unreachable",
  "unexpected_response",
  "auth_required",
]);

/** How the deploy of one function ended. */
interface Outcome {
  readonly name: string;
  readonly tookMs: number;
  readonly deployment: DeploymentResource | undefined;
  /** Why it failed; undefined when the deployment is ready. */
  readonly fault: string | undefined;
}

function chosen(project: Project, only: readonly string[]): readonly FunctionFolder[] {
  const names = only.flatMap((list) => list.split(",")).filter((name) => name !== "");
  for (const name of names) {
    if (project.functions.some((entry) => entry.name === name)) continue;
    const known = project.functions.map((entry) => entry.name).join(", ");
    throw new UsageError(`There is no function "${name}" in this project; it has ${known}`);
  }
  if (project.functions.length === 0) {
    throw new CommandFailure("Cannot deploy: the folder functions holds no function", {
      next: "reactor new hello",
    });
  }
  return names.length === 0
    ? project.functions
    : project.functions.filter((entry) => names.includes(entry.name));
}

async function deployOne(
  { signal, clock }: CommandContext,
  reactor: ReactorClient,
  { name, folder, ofProject }: FunctionFolder,
): Promise<Outcome> {
  const startedMs = clock.monotonicMs();
  const ended = (deployment: DeploymentResource | undefined, fault: string | undefined) => ({
    name,
    tookMs: clock.monotonicMs() - startedMs,
    deployment,
    fault,
  });
  try {
    const { files } = await collectFiles(folder, signal);
    const input = { files, createFunction: true, ofProject };
    const deployment = await reactor.deploy(name, input, { signal });
    if (deployment.status === "ready") return ended(deployment, undefined);
    return ended(deployment, describeFailure(deployment.failure));
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    // What is wrong with the server or the key is so for every function.
    if (error instanceof ClientError && wholeFaults.has(error.code)) throw error;
    return ended(undefined, error instanceof Error ? error.message : String(error));
  }
}

/** Deploys them, a few at a time; every one is tried, whatever becomes of the others. */
async function deployAll(
  context: CommandContext,
  reactor: ReactorClient,
  functions: readonly FunctionFolder[],
): Promise<readonly Outcome[]> {
  const { output, clock } = context;
  const outcomes: Outcome[] = [];
  const waiting = [...functions];
  const startedMs = clock.monotonicMs();
  const progress = output.progress(`Deploying ${functions.length} functions`);
  const ticker = clock.every(tickMs, () => {
    const seconds = ((clock.monotonicMs() - startedMs) / 1000).toFixed(1);
    progress.update(`Deploying: ${outcomes.length} of ${functions.length} done  ${seconds} s`);
  });
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      outcomes.push(await deployOne(context, reactor, next));
    }
  };
  try {
    await Promise.all(Array.from({ length: deploysMax }, work));
  } finally {
    ticker.cancel();
    progress.end();
  }
  return outcomes.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function resultTable(outcomes: readonly Outcome[], live: boolean): string {
  const rows = outcomes.map(({ name, deployment, fault, tookMs }) => [
    name,
    deployment === undefined ? "-" : `@${deployment.revision}`,
    fault === undefined ? (live ? "live" : "ready") : "failed",
    routeOf(deployment),
    `${(tookMs / 1000).toFixed(1)} s`,
  ]);
  return table(["FUNCTION", "REVISION", "STATUS", "ROUTE", "TIME"], rows);
}

function routeOf(deployment: DeploymentResource | undefined): string {
  const route = deployment?.manifest.route;
  return route ? `${route.method} ${route.path}` : "-";
}

function faultText(outcomes: readonly Outcome[]): string {
  return outcomes
    .filter(({ fault }) => fault !== undefined)
    .map(({ name, fault }) => `${name}: ${stripControls(fault ?? "")}`)
    .join("\n\n");
}

/** Applies what is new in the project's schema. When it throws, nothing has gone live yet. */
async function migrate(
  { output, signal }: CommandContext,
  reactor: ReactorClient,
  root: string,
): Promise<void> {
  const files = await readSchema(path.join(root, "schema"));
  const progress = output.progress("Migrating the database");
  const { applied } = await reactor
    .migrateDatabase(files, { signal })
    .finally(() => progress.end());
  if (applied.length > 0) output.note(`Migrated: ${applied.join(", ")}`);
}

async function promote(reactor: ReactorClient, outcomes: readonly Outcome[], signal: AbortSignal) {
  const promotions = outcomes.flatMap(({ name, deployment }) =>
    deployment === undefined ? [] : [{ function: name, deploymentId: deployment.id }],
  );
  await reactor.promoteAll(promotions, { signal });
}

export const deploy = defineCommand({
  name: "deploy",
  summary: "Deploy every function of a project, live when all are ready",
  description:
    "In a project's root it deploys every folder below functions/, in a function's folder that one. " +
    "Functions that do not exist are created. When all are ready it applies the new migrations of " +
    "schema/, if typed in the root, and sends traffic to them. When one fails, nothing goes live and what is live " +
    "stays so. A function's default route is /<name>.",
  arguments: {},
  options: {
    only: { value: "names", summary: "Only these functions, with commas between", many: true },
    noPromote: { summary: "Leave live traffic and the database as they are" },
    noMigrate: { summary: "Leave the database as it is" },
  },
  examples: [
    { command: "reactor deploy", summary: "All functions of the project" },
    { command: "cd functions/create_todo && reactor deploy", summary: "One function" },
    { command: "reactor deploy --only create_todo,list_todos", summary: "Two of them" },
    { command: "reactor deploy --no-promote", summary: "Check that all of them start" },
  ],
  errors: [{ code: "conflict", next: "nothing went live; mend it and deploy again" }],
  async run(context, _args, options) {
    const { output, cwd, client, signal } = context;
    const project = findProject(cwd);
    const functions = chosen(project, options.only);
    const reactor = await client();
    const outcomes = await deployAll(context, reactor, functions);
    const isSound = outcomes.every(({ fault }) => fault === undefined);
    const goesLive = isSound && !options.noPromote;
    if (project.root === cwd && project.migrations.length > 0) {
      if (goesLive && !options.noMigrate) await migrate(context, reactor, cwd);
      else output.note("The migrations in schema/ were not run; reactor db migrate runs them");
    }
    if (goesLive) await promote(reactor, outcomes, signal);
    const items = outcomes.map(({ name, deployment, fault }) => ({
      function: name,
      live: goesLive,
      deployment: deployment ?? null,
      fault: fault ?? null,
    }));
    output.result({ items }, () => resultTable(outcomes, goesLive));
    if (project.others.length > 0) {
      output.note(`No function in functions/${project.others.join(", functions/")}`);
    }
    if (!isSound) {
      output.error(`\n${faultText(outcomes)}\n\nNothing went live: mend it and deploy again`);
      return exitCodes.failed;
    }
    // One whose path has a parameter cannot be called with a body alone.
    const first =
      outcomes.find(({ deployment }) => !deployment?.manifest.route?.path.includes(":")) ??
      outcomes[0];
    output.note(
      goesLive
        ? `Next: reactor invoke ${first?.name} --payload '{}'`
        : `Next: reactor deploy    (sends traffic to them)`,
    );
    return undefined;
  },
});
