import { z } from "@hono/zod-openapi";
import { defineOperation } from "../operation.ts";

const rotateDataKey = defineOperation({
  id: "rotateDataKey",
  method: "post",
  path: "/secrets/rotate-key",
  tag: "secrets",
  summary: "Make a new data key and move every secret to it",
  description:
    "Needs a key of all projects with `secrets:write`. Functions run on meanwhile. The former key is kept beside the new one, for backups that need it.",
  output: z
    .object({
      former_key_id: z.string(),
      key_id: z.string(),
      secrets: z.int().describe("How many were moved."),
      former_key_file: z.string().describe("Where the former key is kept, on the server."),
    })
    .openapi("KeyRotation"),
  outputDescription: "What was done; it is complete.",
  async run({ services, caller }) {
    const result = await services.control.execute("secrets.rotateKey", {}, caller);
    return {
      former_key_id: result.formerKeyId,
      key_id: result.keyId,
      secrets: result.secrets,
      former_key_file: result.formerKeyFile,
    };
  },
});

export const secretOperations = [rotateDataKey];
