import type { Isolation, Runtime } from "../domain/manifest.ts";
import { type DeployInput, deploy } from "./deploy.ts";
import { eachItem, type PageOptions, pageQuery } from "./paging.ts";
import type { DeploymentResource } from "./resources.ts";
import { signalOf } from "./signal-of.ts";
import type { CallOptions, Transport } from "./transport.ts";

export interface CreateFunctionInput {
  readonly name: string;
  readonly runtime?: Runtime | "javascript" | "typescript" | undefined;
  readonly isolation?: Isolation | undefined;
}

/** One function with the deployment that is to serve it. */
export interface PromotionInput {
  readonly function: string;
  readonly deploymentId: string;
}

/** Calls about functions and their deployments. */
export function functionCalls(transport: Transport) {
  const { api, take } = transport;
  const listFunctions = (options: PageOptions = {}) =>
    take(
      api.GET("/api/v1/functions", {
        params: { query: pageQuery(options) },
        ...signalOf(options),
      }),
      options,
    );
  const listDeployments = (name: string, options: PageOptions = {}) =>
    take(
      api.GET("/api/v1/functions/{id}/deployments", {
        params: { path: { id: name }, query: pageQuery(options) },
        ...signalOf(options),
      }),
      options,
    );
  return {
    createFunction: (
      { name, runtime, isolation }: CreateFunctionInput,
      options: CallOptions = {},
    ) =>
      take(
        api.POST("/api/v1/functions", {
          body: {
            name,
            ...(runtime === undefined ? {} : { runtime }),
            ...(isolation === undefined ? {} : { isolation }),
          },
          ...signalOf(options),
        }),
        options,
      ),
    listFunctions,
    eachFunction: (options: CallOptions = {}) =>
      eachItem((cursor) => listFunctions({ ...options, cursor })),
    ...singleFunctionCalls(transport),
    deploy: (name: string, input: DeployInput, options: CallOptions = {}) =>
      deploy(transport, name, input, options),
    listDeployments,
    eachDeployment: (name: string, options: CallOptions = {}) =>
      eachItem((cursor) => listDeployments(name, { ...options, cursor })),
    getDeployment: (name: string, deployment: string | number, options: CallOptions = {}) =>
      take(
        api.GET("/api/v1/functions/{id}/deployments/{deployment}", {
          params: { path: { id: name, deployment: String(deployment) } },
          ...signalOf(options),
        }),
        options,
      ),
    ...promotionCalls(transport),
  };
}

function singleFunctionCalls({ api, take }: Transport) {
  return {
    getFunctionRuntime: (name: string, options: CallOptions = {}) =>
      take(
        api.GET("/api/v1/functions/{id}/runtime", {
          params: { path: { id: name } },
          ...signalOf(options),
        }),
        options,
      ),
    getFunction: (name: string, options: CallOptions = {}) =>
      take(
        api.GET("/api/v1/functions/{id}", {
          params: { path: { id: name } },
          ...signalOf(options),
        }),
        options,
      ),
    updateFunction: (name: string, change: { enabled: boolean }, options: CallOptions = {}) =>
      take(
        api.PATCH("/api/v1/functions/{id}", {
          params: { path: { id: name } },
          body: { enabled: change.enabled },
          ...signalOf(options),
        }),
        options,
      ),
    deleteFunction: (name: string, options: CallOptions = {}) =>
      take(
        api.DELETE("/api/v1/functions/{id}", {
          params: { path: { id: name } },
          ...signalOf(options),
        }),
        options,
      ),
    restoreFunction: (name: string, options: CallOptions = {}) =>
      take(
        api.POST("/api/v1/functions/{id}/restore", {
          params: { path: { id: name } },
          ...signalOf(options),
        }),
        options,
      ),
  };
}

function promotionCalls({ api, take }: Transport) {
  const move =
    (path: "/api/v1/functions/{id}/promote" | "/api/v1/functions/{id}/rollback") =>
    (name: string, deploymentId?: string, options: CallOptions = {}) =>
      take(
        api.POST(path, {
          params: { path: { id: name } },
          body: deploymentId === undefined ? {} : { deployment_id: deploymentId },
          ...signalOf(options),
        }),
        options,
      );
  return {
    promoteAll: async (
      promotions: readonly PromotionInput[],
      options: CallOptions = {},
    ): Promise<readonly DeploymentResource[]> => {
      const body = {
        promotions: promotions.map((entry) => ({
          function: entry.function,
          deployment_id: entry.deploymentId,
        })),
      };
      const call = api.POST("/api/v1/promotions", { body, ...signalOf(options) });
      return (await take(call, options)).items;
    },
    promote: move("/api/v1/functions/{id}/promote"),
    rollback: move("/api/v1/functions/{id}/rollback"),
  };
}
