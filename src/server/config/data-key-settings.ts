import type { SettingDefinition } from "./setting.ts";

/** Settings of a data key that the operator keeps; part of `settingTable`. */
export const dataKeySettings = {
  dataKey: {
    path: "functions.data_key",
    summary: "Master key that encrypts secrets: 32 bytes in base64. Absent: the key file is used.",
    type: "key",
    secret: true,
  },
  dataKeyPrevious: {
    path: "functions.data_key_previous",
    summary:
      "Former `functions.data_key`: secrets that it seals are moved to the master key at the start.",
    type: "key",
    secret: true,
  },
} as const satisfies Readonly<Record<string, SettingDefinition>>;
