import { defaultHttpLimits } from "../../http/http-limits.ts";
import type { SettingDefinition } from "./setting.ts";

const minuteMs = 60_000;

/** Settings about connections; part of `settingTable`. */
export const httpSettings = {
  connectionsMax: {
    path: "http.connections_max",
    summary: "Open connections in all; further ones are closed at once.",
    type: "integer",
    default: defaultHttpLimits.connectionsMax,
    min: 1,
    max: 1_000_000,
  },
  connectionsPerAddressMax: {
    path: "http.connections_per_address_max",
    summary: "Open connections from one address that is no trusted proxy.",
    type: "integer",
    default: defaultHttpLimits.connectionsPerAddressMax,
    min: 1,
    max: 1_000_000,
  },
  headersTimeoutMs: {
    path: "http.headers_timeout_ms",
    summary: "Longest time for a request's head to arrive, and for a TLS handshake.",
    type: "integer",
    default: defaultHttpLimits.headersTimeoutMs,
    min: 100,
    max: 5 * minuteMs,
  },
  bodyIdleMs: {
    path: "http.body_idle_ms",
    summary: "Longest silence of a client whose request body is awaited.",
    type: "integer",
    default: defaultHttpLimits.bodyIdleMs,
    min: 100,
    max: 15 * minuteMs,
  },
  writeIdleMs: {
    path: "http.write_idle_ms",
    summary: "Longest time for which a client may take nothing of its answer.",
    type: "integer",
    default: defaultHttpLimits.writeIdleMs,
    min: 100,
    max: 15 * minuteMs,
  },
  keepAliveMs: {
    path: "http.keep_alive_ms",
    summary: "How long a connection without a request is kept open.",
    type: "integer",
    default: defaultHttpLimits.keepAliveMs,
    min: 100,
    max: 60 * minuteMs,
  },
} as const satisfies Readonly<Record<string, SettingDefinition>>;
