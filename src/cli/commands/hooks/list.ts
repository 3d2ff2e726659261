import { hookPoints } from "../../../domain/hook.ts";
import { defineCommand } from "../../command.ts";
import { table } from "../../table.ts";

export const hooksList = defineCommand({
  name: "hooks list",
  summary: "List the functions that are bound to provisioning hooks",
  arguments: {},
  options: {
    point: { value: "point", summary: "Only of this point", choices: hookPoints },
  },
  examples: [{ command: "reactor hooks list", summary: "What runs at which point, in order" }],
  errors: [],
  async run({ output, client, signal }, _args, options) {
    const reactor = await client();
    const point = hookPoints.find((known) => known === options.point);
    const items = await reactor.listHooks({ point, signal });
    output.result(items, () => {
      if (items.length === 0) return 'No function is bound; write "hooks" into a manifest';
      const rows = items.map((item) => [
        item.point,
        String(item.hook_order),
        item.function,
        item.enabled ? "enabled" : "disabled",
      ]);
      return table(["POINT", "ORDER", "FUNCTION", "STATE"], rows);
    });
    return undefined;
  },
});
