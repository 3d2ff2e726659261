import { ReactorError } from "../../domain/errors.ts";
import type { EnvRecord, FunctionRecord, ProjectRecord } from "../../domain/function.ts";
import { envKeyPattern } from "../../domain/names.ts";
import type { FunctionRight } from "../../domain/scopes.ts";
import type { StoreReader, StoreWriter } from "../../store/store.ts";
import { type Access, type CommandContext, type CommandTable, onFunction } from "../command.ts";
import type { EnvRef, EnvView } from "../control-plane.ts";
import { findFunction } from "../find-function.ts";
import type { PlanChange } from "../plan-keeper.ts";
import { functionSubject } from "./functions.ts";

const rollPageSize = 500;

function requireKey(key: string): void {
  if (envKeyPattern.test(key)) return;
  throw new ReactorError(
    "env_key_invalid",
    `Cannot use ${JSON.stringify(key.slice(0, 140))} as an env key: it must match ${envKeyPattern.source}, as API_URL does`,
    { details: { key: key.slice(0, 140) } },
  );
}

/** Checks a value without ever repeating it. */
function requireValue(key: string, value: string, bytesMax: number): void {
  const bytes = Buffer.byteLength(value);
  const fault =
    bytes > bytesMax
      ? `its value has ${bytes} bytes, at most ${bytesMax} are allowed`
      : value.includes("\0") || !value.isWellFormed()
        ? "its value has a NUL or is not valid Unicode; encode it, for example as base64"
        : undefined;
  if (fault === undefined) return;
  throw new ReactorError("invalid_request", `Cannot set "${key}": ${fault}`, { details: { key } });
}

function envView(record: EnvRecord): EnvView {
  const { key, secret, version, updatedAtMs } = record;
  return { key, secret, version, value: secret ? undefined : record.value, updatedAtMs };
}

/** Whose variables they are: a function's, or its whole project's. */
interface EnvOwner {
  readonly projectId: string;
  readonly function: FunctionRecord | undefined;
  /** For messages. */
  readonly title: string;
}

async function findOwner(
  reader: StoreReader,
  context: CommandContext,
  input: EnvRef,
  project: ProjectRecord,
): Promise<EnvOwner> {
  const projectId = project.id;
  if (input.function === undefined) {
    return { projectId, function: undefined, title: `project "${project.name}"` };
  }
  const hints = { plan: context.plans.plan, caller: context.caller };
  const record = await findFunction(reader, project, input.function, hints);
  return { projectId, function: record, title: `function "${record.name}"` };
}

/** Raises the env version of the function, or of every function of the project, and says which. */
async function rollFunctions(
  writer: StoreWriter,
  owner: EnvOwner,
  updatedAtMs: number,
): Promise<readonly PlanChange[]> {
  const touched: PlanChange[] = [];
  const roll = async ({ id, envVersion }: FunctionRecord): Promise<void> => {
    await writer.updateFunction(id, { envVersion: envVersion + 1, updatedAtMs });
    touched.push({ functionId: id });
  };
  if (owner.function !== undefined) {
    await roll(owner.function);
    return touched;
  }
  let cursor: string | undefined;
  do {
    const page = await writer.listFunctions(owner.projectId, { limit: rollPageSize, cursor });
    for (const record of page.items) await roll(record);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return touched;
}

/** The record to store: sealed when it is a secret, its version one above the former. */
function nextRecord(
  context: CommandContext,
  owner: EnvOwner,
  input: { readonly key: string; readonly value: string; readonly secret: boolean },
  former: EnvRecord | undefined,
): EnvRecord {
  const { key, secret } = input;
  const version = (former?.version ?? 0) + 1;
  const subject = { owner: owner.function?.id ?? owner.projectId, key, version };
  return {
    projectId: owner.projectId,
    functionId: owner.function?.id,
    key,
    secret,
    version,
    value: secret ? context.secretBox.seal(input.value, subject) : input.value,
    updatedAtMs: context.clock.now(),
  };
}

function envAccess(
  input: EnvRef,
  rights: readonly [FunctionRight, ...FunctionRight[]],
  scope: string,
): Access {
  const { project, function: name } = input;
  if (name === undefined) return { project, scopes: [scope] };
  return onFunction({ project, function: name }, rights, [scope]);
}

function envSubject({ project, function: name }: EnvRef): string {
  return name === undefined ? project : functionSubject({ project, function: name });
}

function listCommand({ name }: { readonly name?: string | undefined }): string {
  return name === undefined ? "reactor secrets list" : `reactor functions env list ${name}`;
}

export const envCommands: CommandTable<"env.set" | "env.list" | "env.unset"> = {
  "env.set": {
    access: (input) => envAccess(input, ["admin"], "secrets:write"),
    subject: envSubject,
    async run(context, input) {
      const { envKeysMax, envValueBytesMax } = context.settings;
      const { key } = input;
      requireKey(key);
      requireValue(key, input.value, envValueBytesMax);
      const project = await context.project(input.project);
      return context.change(async (writer) => {
        const owner = await findOwner(writer, context, input, project);
        const present = await writer.envOf(project.id, owner.function?.id);
        const former = present.find((record) => record.key === key);
        if (former === undefined && present.length >= envKeysMax) {
          throw new ReactorError(
            "invalid_request",
            `Cannot set "${key}": ${owner.title} has ${present.length} keys, at most ${envKeysMax} are allowed; unset one first`,
          );
        }
        const record = nextRecord(context, owner, input, former);
        await writer.putEnv(record);
        const { updatedAtMs, version, secret } = record;
        return {
          output: envView(record),
          details: { key, secret, version },
          touched: await rollFunctions(writer, owner, updatedAtMs),
        };
      });
    },
  },
  "env.list": {
    access: (input) => envAccess(input, ["admin", "deploy"], "secrets:read"),
    async run(context, input) {
      const project = await context.project(input.project);
      return context.store.read(async (reader) => {
        const owner = await findOwner(reader, context, input, project);
        return (await reader.envOf(project.id, owner.function?.id)).map(envView);
      });
    },
  },
  "env.unset": {
    access: (input) => envAccess(input, ["admin"], "secrets:write"),
    subject: envSubject,
    async run(context, input) {
      const { key } = input;
      requireKey(key);
      const project = await context.project(input.project);
      return context.change(async (writer) => {
        const owner = await findOwner(writer, context, input, project);
        if (!(await writer.deleteEnv(project.id, owner.function?.id, key))) {
          throw new ReactorError(
            "not_found",
            `Cannot unset "${key}": ${owner.title} has no such key; list them with: ${listCommand(owner.function ?? {})}`,
            { details: { key } },
          );
        }
        const touched = await rollFunctions(writer, owner, context.clock.now());
        return { output: { key }, details: { key }, touched };
      });
    },
  },
};
