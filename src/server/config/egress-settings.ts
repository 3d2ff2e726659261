import type { SettingDefinition } from "./setting.ts";

/** Settings about what functions may reach; part of `settingTable`. */
export const egressSettings = {
  egressPrivateAllow: {
    path: "egress.private_allow",
    summary:
      "Private addresses that functions may reach, as `host:port`; all others are closed to them.",
    type: "list",
    default: [],
    items: { pattern: /^(?:[a-zA-Z0-9.*-]{1,253}|\[[0-9a-fA-F:]+\]):\d{1,5}$/, says: "host:port" },
  },
} as const satisfies Readonly<Record<string, SettingDefinition>>;
