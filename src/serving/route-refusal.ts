import { ReactorError } from "../domain/errors.ts";
import type { Route, RouteMiss } from "./route-table.ts";

const missReasons: Record<RouteMiss, string> = {
  function_not_found: "no function has this name here",
  alias_not_found: "the function has no such alias",
  deployment_not_found: "the function has no such ready deployment",
};

/** The error of a name that leads nowhere. `asked` is the name as the caller wrote it, already bounded. */
export function missError(miss: RouteMiss, asked: string): ReactorError {
  return new ReactorError(miss, `Cannot invoke ${JSON.stringify(asked)}: ${missReasons[miss]}`);
}

/** Why a route cannot be served now; undefined when it can. Disabled comes before not ready. */
export function routeRefusal(route: Route): ReactorError | undefined {
  const { name, enabled } = route.function;
  if (!enabled) {
    return new ReactorError(
      "function_disabled",
      `Cannot invoke "${name}": it is disabled; enable it with "reactor functions enable ${name}"`,
      { details: { function: name } },
    );
  }
  if (route.targets.length === 0) {
    return new ReactorError(
      "deployment_not_ready",
      `Cannot invoke "${name}": no ready deployment is promoted; deploy it and run "reactor functions promote ${name}"`,
      { details: { function: name }, retryAfterSecs: 1 },
    );
  }
  return undefined;
}
