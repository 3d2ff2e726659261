import type { z } from "@hono/zod-openapi";
import { ReactorError } from "../domain/errors.ts";

type Place = "body" | "query" | "path";

/** The value as the schema gives it back, or `invalid_request` with every violation and where it is. */
export function validate<T>(schema: z.ZodType<T>, value: unknown, place: Place): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const violations = result.error.issues.flatMap(violationsOf);
  const [first] = violations;
  throw new ReactorError(
    "invalid_request",
    `The request's ${place} is not acceptable${shown(violations)}`,
    { details: { in: place, pointer: first?.pointer ?? "", violations } },
  );
}

/** Violations that the message has; a misspelt key is two, the missing one and the unknown one. */
const shownMax = 3;

function shown(violations: readonly Violation[]): string {
  if (violations.length === 0) return ": it breaks the schema";
  const parts = violations
    .slice(0, shownMax)
    .map(({ pointer, message }) => `${pointer === "" ? "" : ` at ${pointer}`}: ${message}`);
  const more = violations.length - parts.length;
  return `${parts.join(";")}${more > 0 ? `; and ${more} more` : ""}`;
}

interface Violation {
  /** JSON pointer below the place, e.g. `/targets/0/weight`. */
  readonly pointer: string;
  readonly message: string;
}

function violationsOf(issue: z.core.$ZodIssue): readonly Violation[] {
  if (issue.code !== "unrecognized_keys") {
    return [{ pointer: pointerOf(issue.path), message: messageOf(issue) }];
  }
  return issue.keys.map((key) => ({
    pointer: pointerOf([...issue.path, key]),
    message: `unknown key ${JSON.stringify(key)}`,
  }));
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== "invalid_type" || !issue.message.endsWith("received undefined")) {
    return issue.message;
  }
  return `it is missing, must be of type ${issue.expected}`;
}

function pointerOf(path: readonly PropertyKey[]): string {
  return path
    .map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`)
    .join("");
}
