import type { BlobStore } from "../../blobs/blob-store.ts";
import { ReactorError } from "../../domain/errors.ts";
import type { AliasTarget, FunctionRecord } from "../../domain/function.ts";
import { aliasPattern } from "../../domain/names.ts";
import type { StoreReader } from "../../store/store.ts";
import { productionRoute, requireFreeRoute } from "../claim-route.ts";
import { type CommandTable, onFunction } from "../command.ts";
import { findDeployment, requireReady } from "../find-deployment.ts";
import { findFunction } from "../find-function.ts";
import { productionAlias, recordProduction, requireDeclaredEnv } from "../promote.ts";
import { requireArtifact } from "../require-artifact.ts";
import { functionSubject } from "./functions.ts";

type WantedTarget = { readonly revision: number; readonly weight: number };

function requireAliasName(alias: string): void {
  if (aliasPattern.test(alias)) return;
  throw new ReactorError(
    "invalid_request",
    `Cannot use ${JSON.stringify(alias.slice(0, 80))} as an alias: it must match ${aliasPattern.source}`,
    { details: { alias: alias.slice(0, 80) } },
  );
}

function requireWeights(alias: string, targets: readonly WantedTarget[]): void {
  const fault = weightFault(targets);
  if (fault === undefined) return;
  throw new ReactorError("invalid_request", `Cannot set alias "${alias}": ${fault}`, {
    details: { alias },
  });
}

function weightFault(targets: readonly WantedTarget[]): string | undefined {
  if (targets.length < 1 || targets.length > 2) {
    return `it has ${targets.length} targets, must have one or two`;
  }
  const whole = (value: number): boolean => Number.isSafeInteger(value) && value >= 1;
  if (!targets.every(({ revision }) => whole(revision))) {
    return "a revision must be a whole number from 1 on";
  }
  if (!targets.every(({ weight }) => whole(weight))) {
    return "a weight must be a whole number between 1 and 100";
  }
  const sum = targets.reduce((total, { weight }) => total + weight, 0);
  if (sum !== 100) return `its weights add up to ${sum}, must be 100`;
  const revisions = new Set(targets.map(({ revision }) => revision));
  return revisions.size === targets.length ? undefined : "it names one revision twice";
}

/** The targets with their deployments, each ready and with the keys it declares. */
async function resolveTargets(
  reader: StoreReader,
  owner: FunctionRecord,
  alias: string,
  wanted: readonly WantedTarget[],
  blobs: BlobStore,
): Promise<readonly AliasTarget[]> {
  const targets: AliasTarget[] = [];
  for (const { revision, weight } of wanted) {
    const deployment = await findDeployment(reader, owner, String(revision));
    requireReady(`point alias "${alias}" at`, deployment, owner.name);
    await requireArtifact(blobs, deployment, `point alias "${alias}" at`);
    await requireDeclaredEnv(reader, owner, deployment.manifest, `set alias "${alias}" of`);
    targets.push({ revision, deploymentId: deployment.id, weight });
  }
  return targets;
}

export const aliasCommands: CommandTable<"aliases.list" | "aliases.set" | "aliases.delete"> = {
  "aliases.list": {
    access: (input) => onFunction(input, ["admin", "deploy", "invoke", "logs"]),
    async run(context, input) {
      const project = await context.project(input.project);
      const hints = { plan: context.plans.plan, caller: context.caller };
      return context.store.read(async (reader) => {
        const record = await findFunction(reader, project, input.function, hints);
        return reader.aliases(record.id);
      });
    },
  },
  "aliases.set": {
    access: (input) => onFunction(input, ["deploy"]),
    subject: (input) => `${functionSubject(input)}@${input.alias}`,
    async run(context, input) {
      const { alias } = input;
      requireAliasName(alias);
      requireWeights(alias, input.targets);
      const project = await context.project(input.project);
      const hints = { plan: context.plans.plan, caller: context.caller };
      return context.change(async (writer) => {
        const owner = await findFunction(writer, project, input.function, hints);
        const targets = await resolveTargets(writer, owner, alias, input.targets, context.blobs);
        const updatedAtMs = context.clock.now();
        const plain = { functionId: owner.id, name: alias, targets, updatedAtMs };
        const production = { function: owner, targets, kind: "promote" as const };
        if (alias !== productionAlias) await writer.putAlias(plain);
        const output =
          alias === productionAlias ? await recordProduction(writer, context, production) : plain;
        if (alias === productionAlias) {
          await requireFreeRoute(writer, context, owner, await productionRoute(writer, owner));
        }
        return {
          output,
          details: { targets: targets.map(({ revision, weight }) => ({ revision, weight })) },
          touched: [{ functionId: owner.id }],
        };
      });
    },
  },
  "aliases.delete": {
    access: (input) => onFunction(input, ["deploy"]),
    subject: (input) => `${functionSubject(input)}@${input.alias}`,
    async run(context, input) {
      const { alias } = input;
      const project = await context.project(input.project);
      const hints = { plan: context.plans.plan, caller: context.caller };
      return context.change(async (writer) => {
        const owner = await findFunction(writer, project, input.function, hints);
        if (alias === productionAlias) {
          throw new ReactorError(
            "conflict",
            `Cannot delete alias "${alias}" of function "${owner.name}": it always exists; stop its traffic with: reactor functions disable ${owner.name}`,
          );
        }
        const aliases = await writer.aliases(owner.id);
        if (!aliases.some(({ name }) => name === alias)) {
          throw new ReactorError(
            "alias_not_found",
            `Cannot find alias ${JSON.stringify(alias.slice(0, 80))} of function "${owner.name}"; list them with: reactor aliases list ${owner.name}`,
          );
        }
        await writer.deleteAlias(owner.id, alias);
        return { output: { alias }, details: {}, touched: [{ functionId: owner.id }] };
      });
    },
  },
};
