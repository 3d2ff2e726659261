import { defineCommand } from "../../command.ts";

export const keysRevoke = defineCommand({
  name: "keys revoke",
  summary: "Revoke an API key for good",
  arguments: { key: { summary: "Id of the key (reactor keys list)" } },
  options: {},
  examples: [
    { command: "reactor keys revoke key_01hz…", summary: "Nobody can use that key any more" },
  ],
  errors: [{ code: "invalid_request", next: "reactor keys list" }],
  async run({ output, client, signal }, args) {
    const reactor = await client();
    const revoked = await reactor.revokeKey(args.key, { signal });
    output.result(revoked, () => `Revoked key ${revoked.id}`);
    return undefined;
  },
});
