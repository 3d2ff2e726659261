import type { z } from "@hono/zod-openapi";
import { ReactorError } from "../domain/errors.ts";

type Place = "body" | "query" | "path";

/** The value as the schema gives it back, or `invalid_request` with every violation and where it is. */
export function validate<T>(schema: z.ZodType<T>, value: unknown, place: Place): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const violations = result.error.issues.flatMap(violationsOf);
  const [first] = violations;
  const where = first?.pointer ? ` at ${first.pointer}` : "";
  throw new ReactorError(
    "invalid_request",
    `The request's ${place} is not acceptable${where}: ${first?.message ?? "it breaks the schema"}`,
    { details: { in: place, pointer: first?.pointer ?? "", violations } },
  );
}

interface Violation {
  /** JSON pointer below the place, e.g. `/targets/0/weight`. */
  readonly pointer: string;
  readonly message: string;
}

function violationsOf(issue: z.core.$ZodIssue): readonly Violation[] {
  if (issue.code !== "unrecognized_keys") {
    return [{ pointer: pointerOf(issue.path), message: issue.message }];
  }
  return issue.keys.map((key) => ({
    pointer: pointerOf([...issue.path, key]),
    message: `unknown key ${JSON.stringify(key)}`,
  }));
}

function pointerOf(path: readonly PropertyKey[]): string {
  return path
    .map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`)
    .join("");
}
