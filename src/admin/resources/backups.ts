import { z } from "@hono/zod-openapi";
import { backupBody } from "../backup-body.ts";
import { defineOperation } from "../operation.ts";
import { whileProcessing } from "../while-processing.ts";

const base64url = (characters: number): z.ZodString =>
  z.string().regex(new RegExp(`^[A-Za-z0-9_-]{${characters}}$`));

const recipientSchema = z
  .strictObject({
    n: z.number().int().describe("scrypt cost: 32768, 65536, 131072 or 262144."),
    r: z.number().int().describe("scrypt block size: 8."),
    p: z.number().int().describe("scrypt parallelisation: 1."),
    salt: base64url(22).describe("16 bytes in base64url."),
    public_key: base64url(43).describe(
      "X25519 public key in base64url; its private half is scrypt of the passphrase.",
    ),
  })
  .openapi("BackupRecipient");

const createBackup = defineOperation({
  id: "createBackup",
  method: "post",
  path: "/backup",
  tag: "server",
  summary: "Take a backup of everything but logs",
  description:
    "Answers with a tar archive: `backup.json`, its digest, a consistent copy of the store, every bundle that the copy names, and an archive of each project's database. Needs a key of all projects with the scope `backups:read`. The data key is left out, or wrapped for `wrap_for`: the passphrase itself never comes to the server. Until it begins, `102 Processing` comes every 50 seconds to HTTP/1.1; who leaves ends it. One backup at a time; another is refused with `conflict`. An archive that breaks off is no backup: check it as `reactor backup verify` does.",
  body: z.strictObject({
    wrap_for: recipientSchema.optional(),
    databases: z
      .boolean()
      .optional()
      .describe("false leaves the functions' databases out; they are in where Reactor runs them."),
  }),
  bodyOptional: true,
  output: z.string().openapi({ format: "binary" }),
  outputType: "application/x-tar",
  outputDescription: "The archive; `X-Reactor-Backup` is its id.",
  async run({ services, caller, body, mayGoOn, disconnect, processing, request: { signal } }) {
    const wishes = { recipient: body.wrap_for, databases: body.databases ?? true, signal };
    const stream = await whileProcessing({
      work: services.control.execute("backups.create", wishes, caller),
      processing,
      clock: services.clock,
    });
    return new Response(backupBody({ stream, mayGoOn, disconnect, log: services.log }), {
      headers: {
        "Content-Type": "application/x-tar",
        "Content-Length": String(stream.bytes),
        "Content-Disposition": `attachment; filename="${stream.id}.tar"`,
        "X-Reactor-Backup": stream.id,
      },
    });
  },
});

export const backupOperations = [createBackup];
