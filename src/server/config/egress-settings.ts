import { parsePrivateAllow } from "../../domain/private-allow.ts";
import type { SettingDefinition } from "./setting.ts";

const openedItem = {
  test: (text: string): boolean => parsePrivateAllow(text)?.port !== undefined,
};

/** Settings about what functions may reach; part of `settingTable`. */
export const egressSettings = {
  egressPrivateAllow: {
    path: "egress.private_allow",
    summary:
      "Private addresses that functions may reach, as `name:port`, `*.suffix.of.two:port`, `address:port` or `range/bits:port`; all others are closed to them. Read at start.",
    type: "list",
    default: [],
    items: {
      pattern: openedItem,
      says: "host:port, a range as 10.1.0.0/16:port, version 6 as [fd00::/8]:port",
    },
  },
  egressConnectionsMax: {
    path: "egress.connections_max",
    summary: "Outgoing connections and lookups of one instance at once; further ones are refused.",
    type: "integer",
    default: 100,
    min: 1,
    max: 240,
  },
  egressIdleTimeoutSecs: {
    path: "egress.idle_timeout_secs",
    summary: "How long an outgoing connection may carry nothing before it is closed.",
    type: "integer",
    default: 3600,
    min: 1,
    max: 86_400,
  },
} as const satisfies Readonly<Record<string, SettingDefinition>>;
