/** Bounds of the HTTP server; each is named in the error or the log line that it causes. */
export interface HttpLimits {
  /** Longest request target. */
  readonly uriBytesMax: number;
  /** Longest request head: request line and headers. */
  readonly headerBytesMax: number;
  /** Longest time for a whole request head to arrive, a TLS handshake included. */
  readonly headersTimeoutMs: number;
  /** Longest silence while a request body is wanted. */
  readonly bodyIdleMs: number;
  /** Longest time a client may leave response bytes untaken. */
  readonly writeIdleMs: number;
  /** How long a connection may stay open between two requests. */
  readonly keepAliveMs: number;
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
}

export const defaultHttpLimits: HttpLimits = {
  uriBytesMax: 16 * 1024,
  headerBytesMax: 32 * 1024,
  headersTimeoutMs: 10_000,
  bodyIdleMs: 30_000,
  writeIdleMs: 30_000,
  keepAliveMs: 65_000,
  connectionsMax: 10_000,
  connectionsPerAddressMax: 2048,
};
