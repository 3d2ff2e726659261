import { defaultHttpLimits, type HttpLimits } from "../http/http-limits.ts";

/** What an operator may set about the HTTP side. */
export interface GatewaySettings extends HttpLimits {
  /** `serve`: functions without `access` want a key; `dev`: they are public and errors show stacks. */
  readonly mode: "serve" | "dev";
  /** Functions have hosts `{slug}.{functionsDomain}`. Lower case. */
  readonly functionsDomain: string;
  /** Projects have hosts `{project}.{routesDomain}` for their routes. Lower case. */
  readonly routesDomain: string;
  /** Names (without port) that `/invoke` answers to, besides loopback names and the address a request came in on. */
  readonly hosts: readonly string[];
  /** Addresses or CIDR blocks whose `X-Forwarded-*` headers are believed. */
  readonly trustedProxies: readonly string[];
  /** Unknown keys and tokens that one address may send in a minute. */
  readonly failuresPerMinute: number;
}

export const defaultGatewaySettings: GatewaySettings = {
  ...defaultHttpLimits,
  mode: "serve",
  functionsDomain: "fn.localhost",
  routesDomain: "localhost",
  hosts: [],
  trustedProxies: [],
  failuresPerMinute: 20,
};
