import { defineCommand } from "../../command.ts";
import { parseMoment } from "../../duration.ts";
import { UsageError } from "../../usage-error.ts";

export const keysCreate = defineCommand({
  name: "keys create",
  summary: "Create an API key and show it this once",
  description:
    "A scope is functions:create or functions:<name>:<invoke|deploy|admin|logs>, with * for any. " +
    "Only the key's digest is stored: keep what is printed.",
  arguments: { name: { summary: "What the key is for" } },
  options: {
    scope: { value: "scope", summary: "What it may do; several times", many: true },
    expires: { value: "when", summary: "A time, or how far from now: 90s, 10m, 2h, 30d (never)" },
  },
  examples: [
    {
      command: "reactor keys create web --scope functions:hello:invoke",
      summary: "A key that may only invoke hello",
    },
    {
      command: "reactor keys create ci --scope 'functions:*:deploy' --expires 30d",
      summary: "A key for deploying, for 30 days",
    },
  ],
  errors: [{ code: "permission_denied", next: "ask for a key that has the scope keys:write" }],
  async run({ output, client, signal, clock }, args, options) {
    if (options.scope.length === 0) {
      throw new UsageError("A key needs at least one --scope, e.g. --scope functions:hello:invoke");
    }
    const expiresAt =
      options.expires === undefined
        ? undefined
        : parseMoment("--expires", options.expires, { nowMs: clock.now(), direction: "after" });
    const reactor = await client();
    const input = { name: args.name, scopes: options.scope, expiresAt };
    const created = await reactor.createKey(input, { signal });
    // The key alone goes to stdout, so that `KEY=$(reactor keys create …)` works.
    output.result(created, () => created.key);
    output.note(`Created key ${created.name} (${created.id}); it cannot be shown again`);
    return undefined;
  },
});
