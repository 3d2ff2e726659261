import type { PolicyRuleInput } from "../../../client/policy-calls.ts";
import { weekdays, type Weekday } from "../../../domain/policy/policy-rule.ts";
import { UsageError } from "../../usage-error.ts";

/** What the command line says about a rule. */
interface RuleOptions {
  readonly method: readonly string[];
  readonly path: readonly string[];
  readonly match: string;
  readonly days: string | undefined;
  readonly hours: readonly string[];
  readonly timezone: string | undefined;
  readonly cel: string | undefined;
}

/** The one rule that the options describe; UsageError when they describe none or several. */
export function ruleFromOptions(options: RuleOptions): PolicyRuleInput {
  const { method, path, days, hours, timezone, cel } = options;
  const rules: PolicyRuleInput[] = [];
  if (method.length > 0) {
    rules.push({ kind: "method", methods: words(method).map((word) => word.toUpperCase()) });
  }
  if (path.length > 0)
    rules.push({ kind: "path", match: matchOf(options.match), paths: [...path] });
  if (days !== undefined || hours.length > 0 || timezone !== undefined) {
    rules.push(windowRule(days, hours, timezone));
  }
  if (cel !== undefined) rules.push({ kind: "cel", expression: cel });
  const [rule, other] = rules;
  if (rule === undefined || other !== undefined) {
    throw new UsageError(
      `A policy is one rule: give ${rule === undefined ? "one" : "only one"} of --method, --path, --cel, or --days/--hours with --timezone; several policies of a function must all hold`,
    );
  }
  return rule;
}

function matchOf(match: string): "exact" | "prefix" | "glob" {
  return match === "prefix" || match === "glob" ? match : "exact";
}

function windowRule(
  days: string | undefined,
  hours: readonly string[],
  timezone: string | undefined,
): PolicyRuleInput {
  if (timezone === undefined) {
    throw new UsageError("A time window needs its zone, e.g. --timezone Europe/Berlin or UTC");
  }
  return {
    kind: "time_window",
    ...(days === undefined ? {} : { days: parseDays(days) }),
    ...(hours.length === 0 ? {} : { hours: words(hours) }),
    timezone,
  };
}

/** `mon-fri`, `sat,sun`, `fri-mon`. */
function parseDays(text: string): Weekday[] {
  const days = words([text.toLowerCase()]).flatMap((part) => {
    const [from = "", to = from, ...rest] = part.split("-");
    const [start, end] = [from, to].map((day) => weekdays.findIndex((known) => known === day));
    if (start === undefined || end === undefined || start < 0 || end < 0 || rest.length > 0) {
      throw new UsageError(
        `Cannot read the days ${JSON.stringify(part)}: write ${weekdays.join(", ")}, or a span such as mon-fri`,
      );
    }
    const length = ((end - start + weekdays.length) % weekdays.length) + 1;
    return Array.from({ length }, (_, i) => weekdays[(start + i) % weekdays.length] as Weekday);
  });
  return [...new Set(days)];
}

function words(texts: readonly string[]): string[] {
  return texts.flatMap((text) => text.split(",")).map((word) => word.trim());
}
