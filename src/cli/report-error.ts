import { ClientError } from "../client/client-error.ts";
import { type Command, type ExitCode, exitCodes } from "./command.ts";
import { CommandFailure } from "./command-failure.ts";
import { nextStep } from "./next-step.ts";
import type { Output } from "./output.ts";
import { stripControls } from "./strip-controls.ts";
import { UsageError } from "./usage-error.ts";

interface Report {
  readonly code: string;
  readonly message: string;
  readonly next: string | undefined;
  readonly status?: number;
  readonly requestId?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>>;
}

function reportOf(
  error: unknown,
  command: Command,
  args: Readonly<Record<string, unknown>>,
): Report {
  if (error instanceof ClientError) {
    const { code, message, status, requestId, details } = error;
    // A server that cannot be reached has one only where starting it would help.
    const own = details["next"];
    const next = typeof own === "string" ? own : nextStep(code, command, args);
    return { code, message, status, requestId, details, next };
  }
  if (error instanceof UsageError) {
    const next = error.next ?? `reactor ${command.name} --help`;
    return { code: "usage", message: error.message, next };
  }
  if (error instanceof CommandFailure) {
    return { code: "failed", message: error.message, next: error.next };
  }
  // A bug: its stack is the only thing that helps.
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: "bug", message, next: undefined };
}

/** Says what went wrong and what to try next, on stderr; returns the exit code. */
export function reportError(
  error: unknown,
  output: Output,
  command: Command,
  args: Readonly<Record<string, unknown>>,
): ExitCode {
  const report = reportOf(error, command, args);
  if (output.json) {
    const { code, message, next, status, requestId, details } = report;
    output.error(
      JSON.stringify({ error: { code, message, next, status, request_id: requestId, details } }),
    );
  } else {
    const { styleError } = output;
    const tags = [report.status ? report.code : undefined, report.requestId].filter(Boolean);
    const tail = tags.length > 0 ? styleError("dim", ` (${tags.join(", ")})`) : "";
    output.error(`${styleError("red", "error:")} ${stripControls(report.message)}${tail}`);
    const log = report.details?.["log"];
    if (typeof log === "string") output.error(indent(stripControls(log)));
    if (report.next) output.error(`  ${styleError("dim", "try:")} ${report.next}`);
  }
  return report.code === "usage" ? exitCodes.usage : exitCodes.failed;
}

function indent(text: string): string {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => `  | ${line}`)
    .join("\n");
}
