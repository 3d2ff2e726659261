import type { components } from "./api.ts";
import { signalOf } from "./signal-of.ts";
import type { CallOptions, Transport } from "./transport.ts";

type Schemas = components["schemas"];

/** A rule as the API takes it. */
export type PolicyRuleInput = Schemas["PolicyRule"];

/** An imagined invocation; what is absent has the server's default. */
export interface PolicyTrialInput {
  readonly policy?: string | undefined;
  readonly method?: string | undefined;
  readonly path?: string | undefined;
  readonly at?: Date | undefined;
  readonly headers?: readonly { readonly name: string; readonly value: string }[] | undefined;
  readonly ip?: string | undefined;
  readonly alias?: string | undefined;
  readonly caller?:
    | {
        readonly kind: "key" | "jwt" | "anonymous";
        readonly id?: string;
        readonly name?: string;
        readonly claims?: Readonly<Record<string, unknown>>;
      }
    | undefined;
}

/** Calls about a function's policies. */
export function policyCalls({ api, take }: Transport) {
  return {
    listPolicies: async (name: string, options: CallOptions = {}) => {
      const call = api.GET("/api/v1/functions/{id}/policies", {
        params: { path: { id: name } },
        ...signalOf(options),
      });
      return (await take(call, options)).items;
    },
    createPolicy: (
      name: string,
      policy: string,
      rule: PolicyRuleInput,
      options: CallOptions = {},
    ) =>
      take(
        api.POST("/api/v1/functions/{id}/policies", {
          params: { path: { id: name } },
          body: { name: policy, rule },
          ...signalOf(options),
        }),
        options,
      ),
    getPolicy: (name: string, policy: string, options: CallOptions = {}) =>
      take(
        api.GET("/api/v1/functions/{id}/policies/{policy}", {
          params: { path: { id: name, policy } },
          ...signalOf(options),
        }),
        options,
      ),
    deletePolicy: (name: string, policy: string, options: CallOptions = {}) =>
      take(
        api.DELETE("/api/v1/functions/{id}/policies/{policy}", {
          params: { path: { id: name, policy } },
          ...signalOf(options),
        }),
        options,
      ),
    testPolicies: (name: string, trial: PolicyTrialInput = {}, options: CallOptions = {}) =>
      take(
        api.POST("/api/v1/functions/{id}/policies/test", {
          params: { path: { id: name } },
          body: trialBody(trial),
          ...signalOf(options),
        }),
        options,
      ),
  };
}

function trialBody({ at, headers, caller, ...plain }: PolicyTrialInput) {
  const { policy, method, path, ip, alias } = plain;
  return {
    ...(policy === undefined ? {} : { policy }),
    ...(method === undefined ? {} : { method }),
    ...(path === undefined ? {} : { path }),
    ...(ip === undefined ? {} : { ip }),
    ...(alias === undefined ? {} : { alias }),
    ...(at === undefined ? {} : { at: at.toISOString() }),
    ...(headers === undefined ? {} : { headers: headers.map((header) => ({ ...header })) }),
    ...(caller === undefined ? {} : { caller: { ...caller } }),
  };
}
