import type { Draw } from "../draw.ts";

/** The scenarios of modules that never become ready; each must end as a failed deployment. */
const badScenarios = ["throws-at-import", "never-loads", "exits-at-import"] as const;

/** The files of an upload: mostly a module that works, with limits small enough to be reached. */
export function drawBundle(draw: Draw): ReadonlyMap<string, Uint8Array> {
  const kind = draw.weighted({ good: 20, "bad code": 2, "no code": 0.5, "bad manifest": 0.5 });
  const scenario = kind === "bad code" ? draw.pick(badScenarios) : "simulation";
  const files: [string, string][] = [
    ["reactor.json", JSON.stringify(kind === "bad manifest" ? { colour: 1 } : drawManifest(draw))],
    ["README.md", "A function of the simulation"],
  ];
  const code = `//! scenario: ${scenario}\n// ${draw.between(0, 1_000_000)}`;
  if (kind !== "no code") files.push(["index.ts", code]);
  return new Map(files.map(([path, text]) => [path, Buffer.from(text)]));
}

function drawManifest(draw: Draw): Readonly<Record<string, unknown>> {
  const maxInstances = draw.between(1, 3);
  return {
    ...(draw.chance(0.15) ? { env_keys: ["PLAIN"], secret_keys: [] } : {}),
    limits: {
      timeout_ms: draw.pick([150, 400, 1000]),
      idle_timeout_ms: draw.pick([200, 1000]),
      stream_timeout_ms: 1500,
      drain_timeout_ms: draw.pick([0, 300, 2000]),
      max_body_out_mb: 0.01,
    },
    concurrency: {
      min_instances: draw.chance(0.15) ? 1 : 0,
      max_instances: maxInstances,
      per_instance: draw.between(1, 3),
      max_concurrency: draw.between(1, 6),
      queue_ms: draw.pick([0, 60, 400]),
      idle_ttl_secs: draw.pick([1, 3, 8]),
    },
  };
}
