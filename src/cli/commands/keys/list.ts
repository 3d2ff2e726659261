import type { KeyResource } from "../../../client/resources.ts";
import { defineCommand } from "../../command.ts";
import { describeTime } from "../../describe.ts";
import { table } from "../../table.ts";

function stateOf(key: KeyResource, nowMs: number): string {
  if (key.revoked_at !== null) return "revoked";
  if (key.expires_at === null) return "live";
  return new Date(key.expires_at).getTime() <= nowMs
    ? "expired"
    : `until ${describeTime(key.expires_at)}`;
}

export const keysList = defineCommand({
  name: "keys list",
  summary: "List the API keys, without the keys themselves",
  arguments: {},
  options: {},
  examples: [{ command: "reactor keys list", summary: "Which keys there are" }],
  errors: [],
  async run({ output, client, signal, clock }) {
    const reactor = await client();
    const items = await reactor.listKeys({ signal });
    output.result(items, () =>
      table(
        ["KEY", "NAME", "STARTS WITH", "SCOPES", "STATE", "CREATED"],
        items.map((item) => [
          item.id,
          item.name,
          item.prefix,
          item.scopes.join(" "),
          stateOf(item, clock.now()),
          describeTime(item.created_at),
        ]),
      ),
    );
    return undefined;
  },
});
