import type { PolicyTrialInput } from "../../../client/policy-calls.ts";
import type { PolicyTrialResource } from "../../../client/resources.ts";
import { defineCommand, exitCodes } from "../../command.ts";
import { parseMoment } from "../../duration.ts";
import { table } from "../../table.ts";
import { UsageError } from "../../usage-error.ts";
import { functionArgument } from "../functions/function-argument.ts";

const callerKinds = ["key", "jwt", "anonymous"] as const;

export const policiesTest = defineCommand({
  name: "policies test",
  summary: "Ask what the policies would say about an invocation, rule by rule",
  description:
    "Nothing is invoked. Exits with 0 when the invocation would be admitted and with 1 when not.",
  arguments: { function: functionArgument },
  options: {
    policy: { value: "name", summary: "Only this policy" },
    method: { value: "method", summary: "Method of the request", default: "GET" },
    path: { value: "path", summary: "Path and query below the function", default: "/" },
    at: { value: "when", summary: "Time of the request, e.g. 2026-01-01T10:00Z (now)" },
    header: { value: "name=value", summary: "A header; several times", many: true },
    ip: { value: "address", summary: "Address of the client" },
    alias: { value: "alias", summary: "Alias or revision that is invoked (production)" },
    caller: {
      value: "kind",
      summary: "key, jwt or anonymous; or JSON with kind, id, name and claims",
      default: "anonymous",
    },
  },
  examples: [
    {
      command: "reactor policies test hello --method POST --path /x --at 2026-01-01T10:00Z",
      summary: "Would this be admitted, and which rule decides",
    },
    {
      command: `reactor policies test hello --caller '{"kind":"jwt","id":"ann","claims":{"tenant":"acme"}}'`,
      summary: "The same for the bearer of a token",
    },
  ],
  errors: [],
  async run({ output, client, signal, clock }, args, options) {
    const at =
      options.at === undefined
        ? undefined
        : parseMoment("--at", options.at, { nowMs: clock.now(), direction: "after" });
    const trial: PolicyTrialInput = {
      policy: options.policy,
      method: options.method.toUpperCase(),
      path: options.path,
      at,
      headers: options.header.map(parseHeader),
      ip: options.ip,
      alias: options.alias,
      caller: parseCaller(options.caller),
    };
    const reactor = await client();
    const result = await reactor.testPolicies(args.function, trial, { signal });
    output.result(result, () => describeTrial(args.function, result));
    return result.admitted ? exitCodes.ok : exitCodes.failed;
  },
});

function describeTrial(name: string, { admitted, policies }: PolicyTrialResource): string {
  if (policies.length === 0) return `Admitted: ${name} has no policies`;
  const decided = policies.find(({ holds }) => !holds);
  const verdict = admitted
    ? `Admitted: every policy of ${name} holds`
    : `Denied by policy ${decided?.name}`;
  const rows = policies.map(({ name: policy, holds, error, because }) => [
    policy,
    holds ? "holds" : error ? "cannot be evaluated" : "does not hold",
    because,
  ]);
  return `${table(["POLICY", "VERDICT", "BECAUSE"], rows)}\n${verdict}`;
}

function parseHeader(text: string): { name: string; value: string } {
  const [, name, value] = /^([^=:\s]+)[=:]\s*(.*)$/.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return { name, value };
  throw new UsageError(
    `Cannot read the header ${JSON.stringify(text)}: write it as name=value, e.g. x-tenant=acme`,
  );
}

function parseCaller(text: string): NonNullable<PolicyTrialInput["caller"]> {
  const plain = callerKinds.find((kind) => kind === text);
  if (plain !== undefined) return { kind: plain };
  const fault = new UsageError(
    `Cannot read the caller ${JSON.stringify(text)}: write ${callerKinds.join(", ")}, or JSON such as {"kind":"jwt","id":"ann","claims":{}}`,
  );
  if (!text.startsWith("{")) throw fault;
  const caller = parseJson(text, fault);
  const kind = callerKinds.find((known) => known === caller["kind"]);
  if (kind === undefined) throw fault;
  // The server checks the rest, and says what is wrong with it.
  return { ...caller, kind };
}

function parseJson(text: string, fault: UsageError): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw fault;
    throw error;
  }
}
