import { z } from "@hono/zod-openapi";
import type { Tier } from "../../domain/instance.ts";
import type { Isolation, Runtime } from "../../domain/manifest.ts";
import { tierNames, tiers } from "../../domain/tiers.ts";
import type { AdminServices } from "../services.ts";

const levelSchema = z.int().min(0).max(3);

export const tierNameSchema = z.enum(tiers.map((tier) => tierNames[tier]));

export const tierSchema = z
  .object({
    level: levelSchema,
    name: tierNameSchema,
  })
  .nullable()
  .describe("What isolates its instances on this server; null where they cannot run.")
  .openapi("Tier");

export const minTierSchema = levelSchema.nullable();

/** The tier that instances of a kind have on this server. */
export function tierView(
  { tierOf }: Pick<AdminServices, "tierOf">,
  { runtime, isolation }: { readonly runtime: Runtime; readonly isolation: Isolation },
): z.output<typeof tierSchema> {
  const level: Tier | undefined = tierOf(runtime, isolation);
  return level === undefined ? null : { level, name: tierNames[level] };
}
