import { ReactorError } from "../../domain/errors.ts";
import type { FunctionRecord } from "../../domain/function.ts";
import { aliasPattern } from "../../domain/names.ts";
import type { FunctionPlan } from "../../domain/plan.ts";
import { isBoundedClaim } from "../../domain/policy/claim-limits.ts";
import { compilePolicy } from "../../domain/policy/compile-policy.ts";
import type { PolicyRecord } from "../../domain/policy/policy-rule.ts";
import { policySet } from "../../serving/policy-set.ts";
import { RouteTable } from "../../serving/route-table.ts";
import { missError } from "../../serving/route-refusal.ts";
import type { StoreReader } from "../../store/store.ts";
import { type CommandContext, type CommandTable, onFunction } from "../command.ts";
import type { FunctionRef, PolicyTrial, PolicyTrialResult } from "../control-plane.ts";
import { findFunction } from "../find-function.ts";
import { functionSubject } from "./functions.ts";

const policyNamePattern = /^[a-z][a-z0-9_-]{0,62}$/;

function requireName(name: string): void {
  if (policyNamePattern.test(name)) return;
  throw new ReactorError(
    "invalid_request",
    `Cannot use ${JSON.stringify(name.slice(0, 80))} as a policy name: it must match ${policyNamePattern.source}`,
    { details: { pointer: "/name" } },
  );
}

/** How a transaction finds the function that the input names. */
async function ownerIn(
  context: CommandContext,
  input: FunctionRef,
): Promise<(reader: StoreReader) => Promise<FunctionRecord>> {
  const project = await context.project(input.project);
  const hints = { plan: context.plans.plan, caller: context.caller };
  return (reader) => findFunction(reader, project, input.function, hints);
}

async function findPolicy(
  reader: StoreReader,
  owner: FunctionRecord,
  name: string,
): Promise<PolicyRecord> {
  const found = (await reader.policies(owner.id)).find((policy) => policy.name === name);
  if (found !== undefined) return found;
  throw noPolicy(owner.name, name);
}

function noPolicy(owner: string, name: string): ReactorError {
  return new ReactorError(
    "not_found",
    `Cannot find policy ${JSON.stringify(name.slice(0, 80))} of function "${owner}"; list them with: reactor policies list ${owner}`,
    { details: { policy: name.slice(0, 80) } },
  );
}

/** Asks the policies of the plan in force, compiled as invocations find them. */
function askPolicies(
  context: CommandContext,
  shown: FunctionPlan,
  { policy, trial }: { readonly policy: string | undefined; readonly trial: PolicyTrial },
): PolicyTrialResult {
  const { plan } = context.plans;
  const policies = shown.policies.filter(({ name }) => policy === undefined || name === policy);
  if (policy !== undefined && policies.length === 0) throw noPolicy(shown.name, policy);
  const { selector, ...facts } = trial;
  const segment = `${shown.project}:${shown.name}@${selector}`;
  const route = new RouteTable(plan).bySegment(segment, undefined);
  if (typeof route === "string") throw missError(route, `${shown.name}@${selector.slice(0, 40)}`);
  const deployments = route.targets.map(({ deployment }) => ({
    id: deployment.deploymentId,
    revision: deployment.revision,
    runtime: deployment.manifest.runtime,
  }));
  const nowMs = trial.atMs ?? context.clock.now();
  // Before the first promote an expression is asked about a deployment that is none.
  const asked = deployments.length > 0 ? deployments : [{ id: "", revision: 0, runtime: "" }];
  const findings =
    policySet({ ...shown, policies }, asked)?.explain({
      ...facts,
      function: { name: shown.name, project: shown.project },
      alias: selector,
      nowMs,
    }) ?? [];
  return { admitted: findings.every(({ holds }) => holds), atMs: nowMs, deployments, findings };
}

function requireSelector(selector: string): void {
  if (aliasPattern.test(selector) || /^[1-9]\d{0,8}$/.test(selector)) return;
  throw new ReactorError(
    "invalid_request",
    `Cannot test against ${JSON.stringify(selector.slice(0, 80))}: it must be an alias or a revision`,
  );
}

type PolicyCommand =
  | "policies.create"
  | "policies.list"
  | "policies.get"
  | "policies.delete"
  | "policies.test";

const readers = ["policies:read", "policies:write"] as const;

export const policyCommands: CommandTable<PolicyCommand> = {
  "policies.create": {
    access: (input) => onFunction(input, ["admin"], ["policies:write"]),
    subject: functionSubject,
    async run(context, input) {
      const { name, rule } = input;
      requireName(name);
      compilePolicy(rule);
      const ownerOf = await ownerIn(context, input);
      return context.change(async (writer) => {
        const owner = await ownerOf(writer);
        const present = await writer.policies(owner.id);
        if (present.some((policy) => policy.name === name)) {
          throw new ReactorError(
            "conflict",
            `Cannot create policy "${name}": function "${owner.name}" has one of this name; delete it first with: reactor policies delete ${owner.name} ${name}`,
            { details: { policy: name } },
          );
        }
        const { policiesMax } = context.settings;
        if (present.length >= policiesMax) {
          throw new ReactorError(
            "invalid_request",
            `Cannot create policy "${name}": function "${owner.name}" has ${present.length} policies, at most ${policiesMax} are allowed`,
          );
        }
        const id = context.ids.next("pol");
        const createdAtMs = context.clock.now();
        const record = { id, functionId: owner.id, name, rule, createdAtMs };
        await writer.insertPolicy(record);
        return {
          output: record,
          details: { id, name, kind: rule.kind },
          touched: [{ functionId: owner.id }],
        };
      });
    },
  },
  "policies.list": {
    access: (input) => onFunction(input, ["admin"], readers),
    async run(context, input) {
      const ownerOf = await ownerIn(context, input);
      return context.store.read(async (reader) => reader.policies((await ownerOf(reader)).id));
    },
  },
  "policies.get": {
    access: (input) => onFunction(input, ["admin"], readers),
    async run(context, input) {
      const ownerOf = await ownerIn(context, input);
      return context.store.read(async (reader) =>
        findPolicy(reader, await ownerOf(reader), input.policy),
      );
    },
  },
  "policies.delete": {
    access: (input) => onFunction(input, ["admin"], ["policies:write"]),
    subject: functionSubject,
    async run(context, input) {
      const ownerOf = await ownerIn(context, input);
      return context.change(async (writer) => {
        const owner = await ownerOf(writer);
        const { id, name } = await findPolicy(writer, owner, input.policy);
        await writer.deletePolicy(id);
        return {
          output: { name },
          details: { id, name },
          touched: [{ functionId: owner.id }],
        };
      });
    },
  },
  "policies.test": {
    access: (input) => onFunction(input, ["admin"], readers),
    async run(context, input) {
      requireSelector(input.trial.selector);
      if (!isBoundedClaim(input.trial.caller.claims)) {
        throw new ReactorError(
          "invalid_request",
          "Cannot test with these claims: a token with so many would not be accepted",
        );
      }
      const owner = await context.store.read(await ownerIn(context, input));
      const shown = context.plans.plan.functions.get(`${input.project}:${owner.name}`);
      if (shown === undefined) throw new Error(`the plan lacks the function "${owner.name}"`);
      return askPolicies(context, shown, input);
    },
  },
};
