import { ReactorError } from "../domain/errors.ts";
import type { FunctionPlan, PolicyPlan } from "../domain/plan.ts";
import { type CompiledRule, compilePolicy } from "../domain/policy/compile-policy.ts";
import type { PolicyDeployment, PolicyFacts } from "../domain/policy/policy-facts.ts";

/** What one policy says about an invocation. */
export interface PolicyFinding {
  readonly name: string;
  readonly holds: boolean;
  /** It could not be evaluated, which denies. */
  readonly error: boolean;
  /** For those who may see the policy. */
  readonly because: string;
}

/** The policies of a function, for every way in: all of them must hold for each deployment that may answer. */
export interface PolicySet {
  /** `policy_denied` by the first policy that does not hold; says its name and nothing of its rule. */
  refusal(facts: PolicyFacts): ReactorError | undefined;
  /** Every policy in the order in which they are asked. */
  explain(facts: PolicyFacts): readonly PolicyFinding[];
}

/** Rules by the policy's object, which stays the same from plan to plan. */
const compiled = new WeakMap<PolicyPlan, CompiledRule>();

/** Compiles what is new in a function's policies, so that no invocation does. */
export function preparePolicies({ policies }: FunctionPlan): void {
  for (const policy of policies) ruleOf(policy);
}

/** Undefined when the function has no policies. */
export function policySet(
  { name, policies }: FunctionPlan,
  deployments: readonly PolicyDeployment[],
): PolicySet | undefined {
  if (policies.length === 0) return undefined;
  const ask = (policy: PolicyPlan, facts: PolicyFacts): PolicyFinding => ({
    name: policy.name,
    ...ruleOf(policy)(facts, deployments),
  });
  return {
    refusal(facts) {
      const broken = policies.find((policy) => !ask(policy, facts).holds);
      return broken && denied(name, broken.name);
    },
    explain: (facts) => policies.map((policy) => ask(policy, facts)),
  };
}

function ruleOf(policy: PolicyPlan): CompiledRule {
  const known = compiled.get(policy);
  if (known !== undefined) return known;
  const rule = compileOrDeny(policy);
  compiled.set(policy, rule);
  return rule;
}

/** A stored rule that this version does not take, e.g. one of another version's, denies. */
function compileOrDeny({ rule }: PolicyPlan): CompiledRule {
  try {
    return compilePolicy(rule);
  } catch (error) {
    if (!(error instanceof ReactorError)) throw error;
    const verdict = { holds: false, error: true, because: error.message };
    return () => verdict;
  }
}

function denied(name: string, policy: string): ReactorError {
  return new ReactorError(
    "policy_denied",
    `Cannot invoke "${name}": its policy "${policy}" does not admit this request`,
    { details: { function: name, policy } },
  );
}
