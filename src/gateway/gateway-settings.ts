/** What an operator may set about the HTTP side. */
export interface GatewaySettings {
  /** `serve`: functions without `access` want a key; `dev`: they are public and errors show stacks. */
  readonly mode: "serve" | "dev";
  /** Functions have hosts `{slug}.{functionsDomain}`. Lower case. */
  readonly functionsDomain: string;
  /** Addresses or CIDR blocks whose `X-Forwarded-*` headers are believed. */
  readonly trustedProxies: readonly string[];
  /** Whether this listener speaks TLS itself. */
  readonly tls: boolean;
  readonly uriBytesMax: number;
  readonly headerBytesMax: number;
  /** Longest time for a whole request head to arrive. */
  readonly headersTimeoutMs: number;
  /** Longest silence while a request body arrives. */
  readonly bodyIdleMs: number;
  /** Longest time a client may leave response bytes untaken. */
  readonly writeIdleMs: number;
  readonly keepAliveMs: number;
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
}

export const defaultGatewaySettings: GatewaySettings = {
  mode: "serve",
  functionsDomain: "fn.localhost",
  trustedProxies: [],
  tls: false,
  uriBytesMax: 16 * 1024,
  headerBytesMax: 32 * 1024,
  headersTimeoutMs: 10_000,
  bodyIdleMs: 30_000,
  writeIdleMs: 30_000,
  keepAliveMs: 65_000,
  connectionsMax: 10_000,
  connectionsPerAddressMax: 2048,
};
