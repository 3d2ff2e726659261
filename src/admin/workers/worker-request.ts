import type { Caller } from "../../domain/caller.ts";
import { ReactorError } from "../../domain/errors.ts";
import { projectNamePattern } from "../../domain/names.ts";
import type { HttpExchange } from "../../http/http-exchange.ts";
import type { AdminServices } from "../services.ts";

/** A request to the worker family's API, its caller known. */
export interface WorkerRequest {
  readonly request: Request;
  readonly http: HttpExchange;
  /** The id in the path, taken literally; "" where the path has none. */
  readonly id: string;
  readonly caller: Caller;
  readonly services: AdminServices;
}

/** The project that the request is about. */
export function projectOf({ request }: WorkerRequest): string {
  const project = request.headers.get("x-reactor-project") ?? "default";
  if (projectNamePattern.test(project)) return project;
  throw new ReactorError(
    "invalid_request",
    `Cannot use ${JSON.stringify(project.slice(0, 80))} as a project: it must match ${projectNamePattern.source}`,
  );
}

/** Where the script is invoked. */
export function scriptUrl({ http, services }: WorkerRequest, id: string): string {
  const scheme = services.scheme?.(http) ?? (http.secure ? "https" : "http");
  return `${scheme}://${http.host ?? "localhost"}/invoke/${id}`;
}
