import type { SettingDefinition } from "./setting.ts";

const minuteMs = 60_000;

/** Settings about runtimes and their instances; part of `settingTable`. */
export const instanceSettings = {
  runtimes: {
    path: "functions.runtimes",
    summary: "Runtimes to enable; in the file an array or text with commas.",
    type: "list",
    default: ["bun", "node", "deno", "python"],
    flag: true,
  },
  nodePath: {
    path: "functions.node_path",
    summary:
      "Binary of Node 20 or newer. Absent: `/usr/local/bin`, `/usr/bin`, the search path, then Reactor's own packages.",
    type: "path",
  },
  denoPath: {
    path: "functions.deno_path",
    summary: "Deno binary, 2.9 or newer. Absent: that of the npm package, else the search path's.",
    type: "path",
  },
  pythonPath: {
    path: "functions.python_path",
    summary:
      "Interpreter of Python 3.11 or newer. Absent: `/usr/bin/python3`, else the search path's.",
    type: "path",
  },
  denoPodMemoryMb: {
    path: "functions.deno_pod_memory_mb",
    summary: "Memory of a pod of Deno workers in all; it takes an instance for each 20 MB of it.",
    type: "integer",
    default: 512,
    min: 128,
    max: 65_536,
  },
  bunIdleTtlSecs: {
    path: "functions.bun_idle_ttl_secs",
    summary: "How long a Bun instance without work is kept when the manifest does not say.",
    type: "integer",
    default: 300,
    min: 1,
    max: 86_400,
  },
  bunInstancesPerFunctionMax: {
    path: "functions.bun_max_instances_per_fn",
    summary:
      "Bun instances of one function when the manifest does not say, and the most it may ask for.",
    type: "integer",
    default: 8,
    min: 1,
    max: 256,
  },
  bunBlankInstances: {
    path: "functions.bun_blank_instances",
    summary: "Booted, empty, sandboxed Bun instances that wait for a function's first request.",
    type: "integer",
    defaultFrom: ({ cores }) => Math.min(8, Math.max(2, cores)),
    defaultText: "one per core, at least 2, at most 8",
    min: 0,
    max: 256,
  },
  bunBlankInstancesMax: {
    path: "functions.bun_blank_instances_max",
    summary:
      "Blank Bun instances at most: the pool grows to the starts of the last 10 to 20 seconds and shrinks again. About 4 MB each.",
    type: "integer",
    // 4 MB in 192 MB: at most about 2 % of the memory waits.
    defaultFrom: ({ memoryMb }) => Math.min(128, Math.max(8, Math.floor(memoryMb / 192))),
    defaultText: "one per 192 MiB of memory, at least 8, at most 128",
    min: 0,
    max: 1024,
  },
  blankInstances: {
    path: "functions.blank_instances",
    summary:
      "Blank instances of each other runtime that wait, from the first deploy of a function of it.",
    type: "integer",
    defaultFrom: ({ cores }) => Math.min(4, Math.max(1, cores)),
    defaultText: "one per core, at least 1, at most 4",
    min: 0,
    max: 256,
  },
  blankInstancesMax: {
    path: "functions.blank_instances_max",
    summary:
      "Blank instances of each other runtime at most, while starts are frequent. Up to 50 MB each.",
    type: "integer",
    // 50 MB in 1.5 GB: at most about 3 % of the memory waits.
    defaultFrom: ({ memoryMb }) => Math.min(32, Math.max(2, Math.floor(memoryMb / 1536))),
    defaultText: "one per 1.5 GiB of memory, at least 2, at most 32",
    min: 0,
    max: 1024,
  },
  instancesMax: {
    path: "functions.instances_max",
    summary: "Instances of all functions together.",
    type: "integer",
    default: 512,
    min: 1,
    max: 100_000,
  },
  processesMax: {
    path: "functions.processes_max",
    summary:
      "Processes and threads of one instance at most. Held by a cgroup at tier 2, and by the user of its own that an instance has below that when the server is root.",
    type: "integer",
    default: 256,
    min: 32,
    max: 32_768,
  },
  startTimeoutMs: {
    path: "functions.start_timeout_ms",
    summary: "Longest time from starting an instance until it can serve.",
    type: "integer",
    default: 10_000,
    min: 100,
    max: 5 * minuteMs,
  },
} as const satisfies Readonly<Record<string, SettingDefinition>>;
