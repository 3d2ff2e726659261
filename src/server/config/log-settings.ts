import type { SettingDefinition } from "./setting.ts";

/** Settings about functions' logs and invocation records; part of `settingTable`. */
export const logSettings = {
  logSegmentBytesMax: {
    path: "functions.logs.segment_max_bytes",
    summary: "Size at which a segment of the functions' logs is closed and a new one begun.",
    type: "integer",
    default: 16 * 1_048_576,
    min: 65_536,
    max: 1_073_741_824,
  },
  logBytesMax: {
    path: "functions.logs.max_bytes",
    summary: "Size of all function logs and invocation records; the oldest segments go first.",
    type: "integer",
    default: 1_073_741_824,
    min: 1_048_576,
    max: 1_099_511_627_776,
  },
  logRetentionHours: {
    path: "functions.logs.retention_hours",
    summary: "Age at which segments of logs and invocation records are removed.",
    type: "integer",
    default: 168,
    min: 1,
    max: 87_600,
  },
} as const satisfies Readonly<Record<string, SettingDefinition>>;
