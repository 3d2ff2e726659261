import { z } from "@hono/zod-openapi";

/** How a limit is held, as `Enforcement` of the drivers has it. */
export const enforcementSchema = z.enum(["hard", "watchdog", "none"]);
