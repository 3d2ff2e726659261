import type { ClientErrorCode } from "../client/client-error.ts";
import type { Command } from "./command.ts";

/** What helps after an error that any command can meet; `{url}` is the server's. */
const commonSteps: Partial<Record<ClientErrorCode, string>> = {
  unexpected_response: "check --url and REACTOR_URL: no Reactor server answered there",
  auth_required:
    "set REACTOR_API_KEY or pass --key, or run the command below the folder that holds the server's .reactor",
  permission_denied: "reactor keys create    (with the scope that the message names)",
  function_not_found: "reactor functions list",
  function_exists: "reactor functions list",
  deployment_not_found: "reactor functions deployments list {function}",
  deployment_failed: "reactor functions logs {function}",
  deployment_not_ready: "reactor functions deployments list {function}",
  alias_not_found: "reactor aliases list {function}",
  function_disabled: "reactor functions enable {function}",
  unsupported_runtime: "reactor doctor",
  storage_full: "reactor doctor",
  internal_error: "read the server's log under the request id above",
};

/** The command to try after an error, or undefined when nothing certain helps. */
export function nextStep(
  code: ClientErrorCode,
  command: Command,
  args: Readonly<Record<string, unknown>>,
): string | undefined {
  const step = command.errors.find((entry) => entry.code === code)?.next ?? commonSteps[code];
  return step?.replace(/\{(\w+)\}/g, (_, name: string) =>
    typeof args[name] === "string" ? args[name] : `<${name}>`,
  );
}
