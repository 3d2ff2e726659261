import { z } from "@hono/zod-openapi";
import { type ErrorCode, errorCatalogue } from "../domain/errors.ts";

const codes = Object.keys(errorCatalogue) as [ErrorCode, ...ErrorCode[]];

/** The envelope of every failure. */
export const errorSchema = z
  .object({
    error: z.object({
      code: z.enum(codes).describe("What happened, from the catalogue."),
      message: z.string().describe("What was tried, what stands in the way, what is needed."),
      status: z.int().describe("The HTTP status again."),
      request_id: z.string(),
      details: z.record(z.string(), z.unknown()),
    }),
  })
  .openapi("Error");
