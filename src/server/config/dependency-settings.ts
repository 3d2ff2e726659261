import type { SettingDefinition } from "./setting.ts";

const minuteMs = 60_000;

/** Settings about functions' own packages; part of `settingTable`. */
export const dependencySettings = {
  npmRegistry: {
    path: "functions.npm_registry",
    summary:
      "Registry that functions' npm packages come from, also on a private address. Absent: where the lockfile says, else the registry of this machine's npm.",
    type: "text",
  },
  jsrRegistry: {
    path: "functions.jsr_registry",
    summary:
      "Registry that packages of jsr in Deno functions' `deno.lock` come from, also on a private address. Absent: they are refused.",
    type: "text",
  },
  pythonIndex: {
    path: "functions.python_index",
    summary:
      "Index (simple API) that functions' Python wheels come from when they are not in `wheels/`, also on a private address. Absent: only from `wheels/`.",
    type: "text",
  },
  nativeAddons: {
    path: "functions.native_addons",
    summary:
      "Functions on Bun, Node and Python may bring packages with machine code, which runs in their sandbox.",
    type: "boolean",
    default: false,
  },
  installTimeoutMs: {
    path: "functions.install_timeout_ms",
    summary: "Longest time for fetching one deployment's packages.",
    type: "integer",
    default: minuteMs,
    min: 100,
    max: 10 * minuteMs,
  },
  dependencyCacheBytesMax: {
    path: "functions.dependency_cache_max_bytes",
    summary:
      "Size of the folder of installed packages, `dependencies` in the workdir; those not used for longest go first.",
    type: "integer",
    default: 1_073_741_824,
    min: 0,
    max: 1_099_511_627_776,
  },
} as const satisfies Readonly<Record<string, SettingDefinition>>;
