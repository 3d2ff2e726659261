import { z } from "@hono/zod-openapi";
import type { PolicyTrialResult } from "../../control/control-plane.ts";
import {
  type PolicyRecord,
  type PolicyRule,
  pathMatches,
  weekdays,
} from "../../domain/policy/policy-rule.ts";
import { isoTime, timeInputSchema, timeSchema } from "../iso-time.ts";
import { defineOperation } from "../operation.ts";
import { functionRef, functionShape } from "./functions.ts";

const text = z.string().min(1).max(2048);
const texts = z.array(text).min(1).max(32);

const ruleSchema = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("method"),
      methods: texts.describe("E.g. `GET`, `POST`; GET does not include HEAD."),
    }),
    z.strictObject({
      kind: z.literal("path"),
      match: z.enum(pathMatches),
      paths: texts.describe(
        "Below the function, decoded. In a glob `*` and `?` stay within a segment, `**` does not.",
      ),
    }),
    z.strictObject({
      kind: z.literal("time_window"),
      days: z.array(z.enum(weekdays)).min(1).max(7).optional().describe("Every day when absent."),
      hours: texts.optional().describe("`HH:MM-HH:MM`, also across midnight; all day when absent."),
      timezone: text.describe("IANA name, e.g. `Europe/Berlin`."),
    }),
    z.strictObject({
      kind: z.literal("cel"),
      expression: text.describe(
        "Over `request`, `caller`, `function`, `deployment` and `now`; its result is true or false.",
      ),
    }),
  ])
  .openapi("PolicyRule");

const policySchema = z
  .object({
    id: z.string(),
    function_id: z.string(),
    name: z.string(),
    rule: ruleSchema,
    created_at: timeSchema,
  })
  .openapi("Policy");

function policyView(record: PolicyRecord): z.output<typeof policySchema> {
  return {
    id: record.id,
    function_id: record.functionId,
    name: record.name,
    rule: ruleView(record.rule),
    created_at: isoTime(record.createdAtMs),
  };
}

function ruleView(rule: PolicyRule): z.output<typeof ruleSchema> {
  switch (rule.kind) {
    case "method":
      return { kind: rule.kind, methods: [...rule.methods] };
    case "path":
      return { kind: rule.kind, match: rule.match, paths: [...rule.paths] };
    case "time_window":
      return {
        kind: rule.kind,
        ...(rule.days === undefined ? {} : { days: [...rule.days] }),
        ...(rule.hours === undefined ? {} : { hours: [...rule.hours] }),
        timezone: rule.timezone,
      };
    case "cel":
      return rule;
  }
}

function ruleOf(rule: z.output<typeof ruleSchema>): PolicyRule {
  if (rule.kind !== "time_window") return rule;
  return { kind: rule.kind, days: rule.days, hours: rule.hours, timezone: rule.timezone };
}

const tag = "policies";
const policyShape = { ...functionShape, policy: z.string().describe("The policy's name.") };

const listPolicies = defineOperation({
  id: "listPolicies",
  method: "get",
  path: "/functions/{id}/policies",
  tag,
  summary: "List a function's policies",
  params: functionShape,
  output: z.object({ items: z.array(policySchema) }),
  outputDescription: "All of them, in the order in which they are asked.",
  async run(call) {
    const { services, caller } = call;
    const items = await services.control.execute("policies.list", functionRef(call), caller);
    return { items: items.map(policyView) };
  },
});

const createPolicy = defineOperation({
  id: "createPolicy",
  method: "post",
  path: "/functions/{id}/policies",
  tag,
  summary: "Add a rule that must hold for every invocation",
  description: "All policies of a function must hold; one that cannot be evaluated denies.",
  params: functionShape,
  body: z.strictObject({ name: z.string().min(1).max(63), rule: ruleSchema }),
  status: 201,
  output: policySchema,
  outputDescription: "The policy; it is in force.",
  async run(call) {
    const { services, caller, body } = call;
    const input = { ...functionRef(call), name: body.name, rule: ruleOf(body.rule) };
    return policyView(await services.control.execute("policies.create", input, caller));
  },
});

const getPolicy = defineOperation({
  id: "getPolicy",
  method: "get",
  path: "/functions/{id}/policies/{policy}",
  tag,
  summary: "Look at one policy",
  params: policyShape,
  output: policySchema,
  outputDescription: "The policy.",
  async run(call) {
    const { services, caller, path } = call;
    const input = { ...functionRef(call), policy: path.policy };
    return policyView(await services.control.execute("policies.get", input, caller));
  },
});

const deletePolicy = defineOperation({
  id: "deletePolicy",
  method: "delete",
  path: "/functions/{id}/policies/{policy}",
  tag,
  summary: "Remove a policy",
  params: policyShape,
  output: z.object({ name: z.string() }).openapi("DeletedPolicy"),
  outputDescription: "What was removed.",
  async run(call) {
    const { services, caller, path } = call;
    const input = { ...functionRef(call), policy: path.policy };
    const { name } = await services.control.execute("policies.delete", input, caller);
    return { name };
  },
});

const trialCallerSchema = z.strictObject({
  kind: z.enum(["key", "jwt", "anonymous"]),
  id: z.string().max(300).optional(),
  name: z.string().max(300).optional(),
  claims: z.record(z.string(), z.unknown()).optional(),
});

const trialSchema = z.strictObject({
  policy: text.optional().describe("Only this one; all of them when absent."),
  method: z.string().min(1).max(32).optional().describe("`GET` when absent."),
  path: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe("Path and query below the function; `/` when absent."),
  at: timeInputSchema.optional().describe("Now when absent."),
  headers: z
    .array(z.strictObject({ name: text, value: z.string().max(8192) }))
    .max(256)
    .optional(),
  host: z.string().max(300).optional(),
  scheme: z.enum(["http", "https"]).optional(),
  ip: z.string().max(64).optional().describe("Address of the client; `127.0.0.1` when absent."),
  alias: z.string().max(63).optional().describe("Alias or revision; `production` when absent."),
  caller: trialCallerSchema.optional().describe("Nobody when absent."),
});

const trialResultSchema = z
  .object({
    admitted: z.boolean(),
    at: timeSchema,
    deployments: z
      .array(z.object({ id: z.string(), revision: z.int(), runtime: z.string() }))
      .describe("What may answer; every policy must hold for each of them."),
    policies: z.array(
      z.object({
        name: z.string(),
        holds: z.boolean(),
        error: z.boolean().describe("It could not be evaluated, which denies."),
        because: z.string(),
      }),
    ),
  })
  .openapi("PolicyTrial");

function trialView(result: PolicyTrialResult): z.output<typeof trialResultSchema> {
  return {
    admitted: result.admitted,
    at: isoTime(result.atMs),
    deployments: result.deployments.map(({ id, revision, runtime }) => ({ id, revision, runtime })),
    policies: result.findings.map(({ name, holds, error, because }) => ({
      name,
      holds,
      error,
      because,
    })),
  };
}

const testPolicies = defineOperation({
  id: "testPolicies",
  method: "post",
  path: "/functions/{id}/policies/test",
  tag,
  summary: "Ask what the policies would say about an invocation",
  description: "Nothing is invoked. The rules are those in force, evaluated as for invocations.",
  params: functionShape,
  body: trialSchema,
  bodyOptional: true,
  output: trialResultSchema,
  outputDescription: "What each policy says, in order; the first that does not hold decides.",
  async run(call) {
    const { services, caller, body } = call;
    const { kind, ...known }: z.output<typeof trialCallerSchema> = body.caller ?? {
      kind: "anonymous",
    };
    const trial = {
      method: body.method ?? "GET",
      target: body.path ?? "/",
      host: body.host ?? "localhost",
      scheme: body.scheme ?? "http",
      ip: body.ip ?? "127.0.0.1",
      headers: (body.headers ?? []).flatMap(({ name, value }) => [name, value]),
      caller: {
        kind,
        id: known.id ?? "",
        name: known.name ?? "",
        claims: known.claims ?? {},
      },
      selector: body.alias ?? "production",
      atMs: body.at === undefined ? undefined : Date.parse(body.at),
    };
    const input = { ...functionRef(call), policy: body.policy, trial };
    return trialView(await services.control.execute("policies.test", input, caller));
  },
});

export const policyOperations = [listPolicies, createPolicy, getPolicy, deletePolicy, testPolicies];
