import {
  type ASTNode,
  EvaluationError,
  ParseError,
  TypeError as CelTypeError,
} from "@marcbachmann/cel-js";
import type { PolicyDeployment, PolicyFacts } from "../policy-facts.ts";
import { celCost } from "./cel-cost.ts";
import { createCelEnvironment, zonedName } from "./cel-environment.ts";
import { CelFault } from "./cel-fault.ts";
import { zonedGetters } from "./cel-functions.ts";
import { celLimits } from "./cel-limits.ts";
import { celRequest } from "./cel-request.ts";
import { childrenOf } from "./children-of.ts";
import {
  functionVariable,
  withFunctionVariable,
  withoutFunctionVariable,
} from "./reserved-name.ts";

const environment = createCelEnvironment();

/** A rule in CEL; throws when it cannot be evaluated for these facts. */
export type CelRule = (facts: PolicyFacts, deployment: PolicyDeployment) => boolean;

/**
 * Compiles an expression to a rule. Throws CelFault, with the position, at bad syntax, an unknown
 * name, a result that is not true or false, a call that is not available, or a cost over the limit.
 */
export function compileCel(expression: string): CelRule {
  if (expression.length > celLimits.lengthMax) {
    throw new CelFault(
      `it has ${expression.length} characters, at most ${celLimits.lengthMax} are allowed`,
      celLimits.lengthMax,
    );
  }
  const program = parse(expression);
  const cost = celCost(program.ast);
  if (cost > celLimits.cost) {
    throw new CelFault(
      `it may take ${cost} steps, at most ${celLimits.cost} are allowed; loop over fewer elements`,
      program.ast.start,
    );
  }
  renameZoned(program.ast);
  const { valid, type, error } = program.check();
  if (!valid) throw faultOf(error);
  if (type !== "bool") {
    const remedy = type === "dyn" ? "; compare it, e.g. with == true" : "";
    throw new CelFault(`its result is ${type}, must be bool${remedy}`, program.ast.start);
  }
  return (facts, deployment) => {
    const { id, revision, runtime } = deployment;
    const result: unknown = program({
      request: celRequest(facts),
      caller: facts.caller,
      [functionVariable]: facts.function,
      deployment: { id, revision: BigInt(revision), runtime, alias: facts.alias },
      now: new Date(facts.nowMs),
    });
    if (typeof result !== "boolean") throw new TypeError("The result is not true or false");
    return result;
  };
}

/** Why an evaluation failed, in one line. */
export function celProblem(error: unknown): string {
  if (error instanceof EvaluationError) return withoutFunctionVariable(error.summary);
  return error instanceof Error ? error.message : String(error);
}

function parse(expression: string): ReturnType<typeof environment.parse> {
  try {
    return environment.parse(withFunctionVariable(expression));
  } catch (error) {
    throw faultOf(error);
  }
}

/** The library's errors have a position; anything else is a bug of it that must not pass as a rule. */
function faultOf(error: unknown): CelFault {
  if (error instanceof ParseError || error instanceof CelTypeError) {
    return new CelFault(withoutFunctionVariable(error.summary), error.range?.start ?? 0, error);
  }
  return new CelFault("it cannot be read", 0, error);
}

/** Points `getHours("Europe/Berlin")` and its like at our own. */
function renameZoned(node: ASTNode): void {
  if (node.op === "rcall") {
    const [name, , args] = node.args;
    if (args.length === 1 && Object.hasOwn(zonedGetters, name)) node.args[0] = zonedName(name);
  }
  for (const child of childrenOf(node)) renameZoned(child);
}
