import { z } from "@hono/zod-openapi";
import type { AuditRecord } from "../../domain/function.ts";
import { isoTime, timeSchema } from "../iso-time.ts";
import { defineOperation } from "../operation.ts";
import { pageRequest, pageSchema, pageShape, pageView } from "../page.ts";

const auditSchema = z
  .object({
    id: z.string(),
    at: timeSchema,
    actor: z.string(),
    command: z.string(),
    subject: z.string(),
    outcome: z.enum(["ok", "refused", "failed"]),
    details: z.record(z.string(), z.unknown()),
  })
  .openapi("AuditEntry");

function auditView(record: AuditRecord): z.output<typeof auditSchema> {
  return {
    id: record.id,
    at: isoTime(record.atMs),
    actor: record.actor,
    command: record.command,
    subject: record.subject,
    outcome: record.outcome,
    details: { ...record.details },
  };
}

export const auditOperations = [
  defineOperation({
    id: "listAudit",
    method: "get",
    path: "/audit",
    tag: "server",
    summary: "List changes and who made them, newest first",
    query: pageShape,
    output: pageSchema(auditSchema),
    outputDescription: "One page.",
    async run({ services, caller, query }) {
      const page = await services.control.execute("audit.list", pageRequest(query), caller);
      return pageView(page, auditView);
    },
  }),
];
