import { z } from "@hono/zod-openapi";
import { requireScope } from "../../domain/caller.ts";
import { tierNames } from "../../domain/tiers.ts";
import { defineOperation } from "../operation.ts";
import { enforcementSchema } from "../enforcement-schema.ts";
import type { SystemReport } from "../options.ts";
import { tierNameSchema } from "./tier-view.ts";

const tag = "server";

const healthSchema = z
  .object({
    status: z.enum(["ok", "degraded", "draining"]),
    version: z.string(),
    runtimes: z
      .record(z.string(), z.boolean())
      .describe("Enabled runtimes, and whether each works."),
  })
  .openapi("Health");

const systemSchema = z
  .object({
    version: z.string(),
    mode: z.enum(["serve", "dev"]),
    settings: z.array(
      z.object({
        key: z.string(),
        value: z.unknown(),
        origin: z.string().describe("Where the value came from."),
      }),
    ),
    runtimes: z.array(
      z.object({
        name: z.string(),
        available: z.boolean(),
        version: z.string().nullable(),
        tier: z.int().describe("Isolation: 0 process, 1 sandbox, 2 hardened, 3 microVM."),
        tier_name: tierNameSchema,
        enforces: z.object({
          memory: enforcementSchema,
          cpu: enforcementSchema,
          processes: enforcementSchema,
          wall_clock: enforcementSchema,
          filesystem: enforcementSchema,
          network: enforcementSchema,
        }),
        findings: z.array(z.string()),
        remedies: z.array(z.string()),
      }),
    ),
  })
  .openapi("System");

function runtimeView({ name, probe }: SystemReport["runtimes"][number]) {
  const { memory, cpu, processes, wallClock, filesystem, network } = probe.enforces;
  return {
    name,
    available: probe.available,
    version: probe.version ?? null,
    tier: probe.tier,
    tier_name: tierNames[probe.tier],
    enforces: { memory, cpu, processes, wall_clock: wallClock, filesystem, network },
    findings: [...probe.findings],
    remedies: [...probe.remedies],
  };
}

const getHealth = defineOperation({
  id: "getHealth",
  method: "get",
  path: "/health",
  tag,
  summary: "Whether the server works",
  open: true,
  output: healthSchema,
  outputDescription: "Health.",
  run({ services }) {
    const { status, runtimes } = services.health();
    return { status, version: services.version, runtimes: { ...runtimes } };
  },
});

const getSystem = defineOperation({
  id: "getSystem",
  method: "get",
  path: "/system",
  tag,
  summary: "Settings with their origin, and what the runtimes can do here",
  description: "Needs the scope `config:read`.",
  output: systemSchema,
  outputDescription: "The system.",
  async run({ services, caller }) {
    // No command of control's: these are facts of the process, so the scope is asked for here.
    requireScope(caller, "config:read");
    const { settings, runtimes } = await services.system();
    return {
      version: services.version,
      mode: services.mode,
      settings: settings.map(({ key, value, origin }) => ({ key, value, origin })),
      runtimes: runtimes.map(runtimeView),
    };
  },
});

const getOpenApi = defineOperation({
  id: "getOpenApi",
  method: "get",
  path: "/openapi.json",
  tag,
  summary: "This document",
  open: true,
  output: z.record(z.string(), z.unknown()),
  outputDescription: "OpenAPI 3.1.",
  run({ services }) {
    return new Response(services.openApiText(), {
      headers: { "Content-Type": "application/json" },
    });
  },
});

export const serverOperations = [getHealth, getSystem, getOpenApi];
