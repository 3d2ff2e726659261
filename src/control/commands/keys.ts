import type { Caller } from "../../domain/caller.ts";
import { ReactorError } from "../../domain/errors.ts";
import { mayGrant, parseScope } from "../../domain/scopes.ts";
import type { CommandContext, CommandTable } from "../command.ts";
import type { Commands } from "../control-plane.ts";
import { newApiKey } from "../new-api-key.ts";

const keyNamePattern = /^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,62}$/;
const scopesMax = 64;

type CreateInput = Commands["keys.create"]["input"];

function parseCreate(input: CreateInput, caller: Caller, nowMs: number): readonly string[] {
  const invalid = (reason: string): ReactorError =>
    new ReactorError("invalid_request", `Cannot create the API key: ${reason}`);
  if (!keyNamePattern.test(input.name)) {
    throw invalid(`its name must match ${keyNamePattern.source}`);
  }
  if (input.scopes.length < 1 || input.scopes.length > scopesMax) {
    throw invalid(`it has ${input.scopes.length} scopes, must have between 1 and ${scopesMax}`);
  }
  const { expiresAtMs } = input;
  if (expiresAtMs !== undefined && !(Number.isSafeInteger(expiresAtMs) && expiresAtMs > nowMs)) {
    throw invalid("its expiry must be in the future");
  }
  const scopes = [...new Set(input.scopes.map(parseScope))];
  for (const scope of scopes) {
    // Otherwise `keys:write` would be every other scope as well.
    if (mayGrant(caller, scope)) continue;
    throw new ReactorError(
      "permission_denied",
      `Cannot grant the scope "${scope}": the key that asks does not have it itself`,
      { details: { scope } },
    );
  }
  return scopes;
}

/** The project id that a key belongs to: `*` stands for all. */
async function keyProject(context: CommandContext, project: string): Promise<string> {
  return project === "*" ? "*" : (await context.project(project)).id;
}

export const keyCommands: CommandTable<"keys.create" | "keys.list" | "keys.revoke"> = {
  "keys.create": {
    access: ({ project }) => ({ project, scopes: ["keys:write"] }),
    subject: ({ project, name }) => `${project}:${name}`,
    async run(context, input) {
      const { caller, clock, settings } = context;
      const scopes = parseCreate(input, caller, clock.now());
      const projectId = await keyProject(context, input.project);
      const { name, expiresAtMs } = input;
      const created = newApiKey(context, { projectId, name, scopes, expiresAtMs });
      return context.change(async (writer) => {
        const live = (await writer.apiKeys()).filter((key) => key.revokedAtMs === undefined);
        if (live.length >= settings.apiKeysMax) {
          throw new ReactorError(
            "invalid_request",
            `Cannot create the API key: there are ${live.length}, at most ${settings.apiKeysMax} are allowed; revoke one first`,
          );
        }
        await writer.insertApiKey(created.record);
        const { id } = created.record;
        return { output: created, details: { id, scopes, expiresAtMs }, touched: [{ keys: true }] };
      });
    },
  },
  "keys.list": {
    access: ({ project }) => ({ project, scopes: ["keys:read", "keys:write"] }),
    async run(context, input) {
      const projectId = await keyProject(context, input.project);
      const keys = await context.store.read((reader) => reader.apiKeys());
      return projectId === "*" ? keys : keys.filter((key) => key.projectId === projectId);
    },
  },
  "keys.revoke": {
    access: ({ project }) => ({ project, scopes: ["keys:write"] }),
    subject: ({ project, id }) => `${project}:${id.slice(0, 80)}`,
    async run(context, input) {
      const { id } = input;
      const projectId = await keyProject(context, input.project);
      return context.change(async (writer) => {
        const record = (await writer.apiKeys()).find((key) => key.id === id);
        const reachable = record?.projectId === projectId || projectId === "*";
        if (record === undefined || !reachable) {
          throw new ReactorError(
            "not_found",
            `Cannot find the API key ${JSON.stringify(id.slice(0, 80))} in project "${input.project}"; list them with: reactor keys list`,
          );
        }
        // A second revoke keeps the first one's time.
        await writer.revokeApiKey(id, context.clock.now());
        return {
          output: { id },
          details: { id, name: record.name },
          touched: [{ keys: true }],
        };
      });
    },
  },
};
