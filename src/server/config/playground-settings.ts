import type { SettingDefinition } from "./setting.ts";

/** What bounds drafts. */
export const playgroundSettings = {
  playgroundTimeoutMs: {
    path: "functions.playground_timeout_ms",
    summary:
      "Longest time that the answer of a playground's draft may take, and its stream after that.",
    type: "integer",
    default: 30_000,
    min: 1,
    max: 300_000,
  },
  playgroundRunsMax: {
    path: "functions.playground_max_runs",
    summary: "Drafts of the playground that run at the same time; more get 429.",
    type: "integer",
    default: 4,
    min: 1,
    max: 256,
  },
} as const satisfies Readonly<Record<string, SettingDefinition>>;
