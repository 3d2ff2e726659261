import { ReactorError } from "../errors.ts";
import { CelFault } from "./cel/cel-fault.ts";
import { celProblem, compileCel } from "./cel/compile-cel.ts";
import { compileGlob, globFault } from "./path-glob.ts";
import type { PolicyDeployment, PolicyFacts } from "./policy-facts.ts";
import { policyPath } from "./policy-path.ts";
import type { PolicyRule } from "./policy-rule.ts";
import { compileTimeWindow, parseSpan } from "./time-window.ts";
import { isTimeZone } from "./zoned-time.ts";

/** A rule ready to be asked. `deployments` are those that may answer: it must hold for each of them. */
export type CompiledRule = (
  facts: PolicyFacts,
  deployments: readonly PolicyDeployment[],
) => PolicyVerdict;

/** What a rule says. `error`: it could not be evaluated, which denies. `because` is for the operator. */
export interface PolicyVerdict {
  readonly holds: boolean;
  readonly error: boolean;
  readonly because: string;
}

const entriesMax = 32;
const methodPattern = /^[A-Z][A-Z-]{0,31}$/;
const pathLengthMax = 200;

/** Compiles a rule; throws `invalid_request` that says what is wrong with it, and where. */
export function compilePolicy(rule: PolicyRule): CompiledRule {
  switch (rule.kind) {
    case "method":
      return compileMethod(rule);
    case "path":
      return compilePath(rule);
    case "time_window":
      return compileWindow(rule);
    case "cel":
      return compileExpression(rule.expression);
  }
}

type RuleOf<K extends PolicyRule["kind"]> = Extract<PolicyRule, { readonly kind: K }>;

function compileMethod({ methods }: RuleOf<"method">): CompiledRule {
  requireEntries("methods", methods);
  for (const method of methods) {
    if (!methodPattern.test(method)) {
      throw invalid("/rule/methods", `${quoted(method)} is no method; write it in capitals`);
    }
  }
  const allowed = new Set(methods);
  return ({ method }) =>
    verdict(allowed.has(method), `the method is ${method}, allowed: ${methods.join(", ")}`);
}

function compilePath({ match, paths }: RuleOf<"path">): CompiledRule {
  requireEntries("paths", paths);
  const tests = paths.map((path) => {
    requirePath(path, match === "glob");
    return pathTest(match, path);
  });
  const allowed = `${match} ${paths.join(", ")}`;
  return ({ target }) => {
    const path = policyPath(target);
    if (path === undefined) return failed("the path can be read in more than one way");
    return verdict(
      tests.some((test) => test(path)),
      `the path is ${path}, allowed: ${allowed}`,
    );
  };
}

function pathTest(match: RuleOf<"path">["match"], wanted: string): (path: string) => boolean {
  if (match === "glob") return compileGlob(wanted);
  if (match === "exact") return (path) => path === wanted;
  const below = wanted.endsWith("/") ? wanted : `${wanted}/`;
  return (path) => path === wanted || path.startsWith(below);
}

function requirePath(path: string, isGlob: boolean): void {
  // What no request can have would never hold, and `%61` would look as if it could.
  const readable = policyPath(path) === path;
  const fault =
    path.length > pathLengthMax
      ? `is longer than ${pathLengthMax} characters`
      : !path.startsWith("/")
        ? 'must start with "/"'
        : !readable
          ? "must be written decoded, without query, empty or dot segments"
          : isGlob
            ? globFault(path)
            : undefined;
  if (fault !== undefined) throw invalid("/rule/paths", `${quoted(path)} ${fault}`);
}

function compileWindow({ days, hours, timezone }: RuleOf<"time_window">): CompiledRule {
  if (days !== undefined) requireEntries("days", days);
  if (hours !== undefined) requireEntries("hours", hours);
  if (!isTimeZone(timezone)) {
    throw invalid("/rule/timezone", `${quoted(timezone)} is no IANA time zone, e.g. Europe/Berlin`);
  }
  const spans = hours?.map((text) => {
    const span = parseSpan(text);
    if (span !== undefined) return span;
    throw invalid(
      "/rule/hours",
      `${quoted(text)} must read HH:MM-HH:MM with two different times, e.g. 09:00-17:30 or 22:00-06:00`,
    );
  });
  const isInside = compileTimeWindow({ days, spans, timezone });
  const allowed = `${days?.join(", ") ?? "every day"} ${hours?.join(", ") ?? "all day"} ${timezone}`;
  return ({ nowMs }) =>
    verdict(isInside(nowMs), `the time is ${new Date(nowMs).toISOString()}, allowed: ${allowed}`);
}

function compileExpression(expression: string): CompiledRule {
  const rule = readExpression(expression);
  return (facts, deployments) => {
    try {
      for (const deployment of deployments) {
        if (!rule(facts, deployment)) {
          return verdict(false, `the expression is false for revision ${deployment.revision}`);
        }
      }
      return verdict(true, "the expression is true");
    } catch (error) {
      return failed(celProblem(error));
    }
  };
}

function readExpression(expression: string): ReturnType<typeof compileCel> {
  try {
    return compileCel(expression);
  } catch (error) {
    if (!(error instanceof CelFault)) throw error;
    const before = expression.slice(0, error.offset).split("\n");
    const [line, column] = [before.length, (before.at(-1) ?? "").length + 1];
    throw new ReactorError(
      "invalid_request",
      `Cannot use the expression: ${error.message} (line ${line}, column ${column})`,
      {
        cause: error,
        details: { pointer: "/rule/expression", line, column, offset: error.offset },
      },
    );
  }
}

function requireEntries(key: string, entries: readonly string[]): void {
  if (entries.length >= 1 && entries.length <= entriesMax) return;
  throw invalid(`/rule/${key}`, `it has ${entries.length} ${key}, must have 1 to ${entriesMax}`);
}

function verdict(holds: boolean, because: string): PolicyVerdict {
  return { holds, error: false, because };
}

function failed(because: string): PolicyVerdict {
  return { holds: false, error: true, because };
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80));
}

function invalid(pointer: string, fault: string): ReactorError {
  return new ReactorError("invalid_request", `Cannot use the rule: ${fault}`, {
    details: { pointer },
  });
}
