import { ReactorError } from "../../domain/errors.ts";
import type { EnvRecord } from "../../domain/function.ts";
import { envKeyPattern } from "../../domain/names.ts";
import { type CommandContext, type CommandTable, onFunction } from "../command.ts";
import type { EnvView } from "../control-plane.ts";
import { findFunction } from "../find-function.ts";
import { functionSubject } from "./functions.ts";

function requireKey(key: string): void {
  if (envKeyPattern.test(key)) return;
  throw new ReactorError(
    "env_key_invalid",
    `Cannot use ${JSON.stringify(key.slice(0, 140))} as an env key: it must match ${envKeyPattern.source}`,
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

/** The record to store: sealed when it is a secret, its version one above the former. */
function nextRecord(
  context: CommandContext,
  owner: { readonly projectId: string; readonly id: string },
  input: { readonly key: string; readonly value: string; readonly secret: boolean },
  former: EnvRecord | undefined,
): EnvRecord {
  const { key, secret } = input;
  const version = (former?.version ?? 0) + 1;
  const subject = { owner: owner.id, key, version };
  return {
    projectId: owner.projectId,
    functionId: owner.id,
    key,
    secret,
    version,
    value: secret ? context.secretBox.seal(input.value, subject) : input.value,
    updatedAtMs: context.clock.now(),
  };
}

export const envCommands: CommandTable<"env.set" | "env.list" | "env.unset"> = {
  "env.set": {
    access: (input) => onFunction(input, ["admin"], ["secrets:write"]),
    subject: functionSubject,
    async run(context, input) {
      const { envKeysMax, envValueBytesMax } = context.settings;
      const { key } = input;
      requireKey(key);
      requireValue(key, input.value, envValueBytesMax);
      const project = await context.project(input.project);
      const hints = { plan: context.plans.plan, caller: context.caller };
      return context.change(async (writer) => {
        const owner = await findFunction(writer, project, input.function, hints);
        const present = await writer.envOf(project.id, owner.id);
        const former = present.find((record) => record.key === key);
        if (former === undefined && present.length >= envKeysMax) {
          throw new ReactorError(
            "invalid_request",
            `Cannot set "${key}": function "${owner.name}" has ${present.length} keys, at most ${envKeysMax} are allowed; unset one first`,
          );
        }
        const record = nextRecord(context, owner, input, former);
        await writer.putEnv(record);
        const { updatedAtMs, version, secret } = record;
        await writer.updateFunction(owner.id, { envVersion: owner.envVersion + 1, updatedAtMs });
        return {
          output: envView(record),
          details: { key, secret, version },
          touched: [{ functionId: owner.id }],
        };
      });
    },
  },
  "env.list": {
    access: (input) => onFunction(input, ["admin", "deploy"], ["secrets:read"]),
    async run(context, input) {
      const project = await context.project(input.project);
      const hints = { plan: context.plans.plan, caller: context.caller };
      return context.store.read(async (reader) => {
        const owner = await findFunction(reader, project, input.function, hints);
        return (await reader.envOf(project.id, owner.id)).map(envView);
      });
    },
  },
  "env.unset": {
    access: (input) => onFunction(input, ["admin"], ["secrets:write"]),
    subject: functionSubject,
    async run(context, input) {
      const { key } = input;
      requireKey(key);
      const project = await context.project(input.project);
      const hints = { plan: context.plans.plan, caller: context.caller };
      return context.change(async (writer) => {
        const owner = await findFunction(writer, project, input.function, hints);
        if (!(await writer.deleteEnv(project.id, owner.id, key))) {
          throw new ReactorError(
            "not_found",
            `Cannot unset "${key}": function "${owner.name}" has no such key; list them with: reactor functions env list ${owner.name}`,
            { details: { key } },
          );
        }
        const updatedAtMs = context.clock.now();
        await writer.updateFunction(owner.id, { envVersion: owner.envVersion + 1, updatedAtMs });
        return { output: { key }, details: { key }, touched: [{ functionId: owner.id }] };
      });
    },
  },
};
