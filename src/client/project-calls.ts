import { signalOf } from "./signal-of.ts";
import type { CallOptions, Transport } from "./transport.ts";

export interface DeleteProjectOptions extends CallOptions {
  /** Also while it has functions. */
  readonly force?: boolean | undefined;
}

/** Calls about projects themselves. */
export function projectCalls({ api, take }: Transport) {
  return {
    listProjects: async (options: CallOptions = {}) =>
      (await take(api.GET("/api/v1/projects", { ...signalOf(options) }), options)).items,
    createProject: (name: string, options: CallOptions = {}) =>
      take(api.POST("/api/v1/projects", { body: { name }, ...signalOf(options) }), options),
    deleteProject: (name: string, options: DeleteProjectOptions = {}) =>
      take(
        api.DELETE("/api/v1/projects/{name}", {
          params: { path: { name }, query: options.force === true ? { force: "true" } : {} },
          ...signalOf(options),
        }),
        options,
      ),
  };
}
