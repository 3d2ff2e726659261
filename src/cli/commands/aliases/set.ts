import { defineCommand } from "../../command.ts";
import { UsageError } from "../../usage-error.ts";
import { functionArgument } from "../functions/function-argument.ts";
import { describeTargets } from "./list.ts";

const weightMax = 100;

/** `7` or `7=95` (a revision and its share of the traffic in per cent). */
function parseTarget(text: string): { revision: number; weight: number } {
  const [, revision, weight] = /^@?([1-9]\d{0,8})(?:=(\d{1,3}))?$/.exec(text) ?? [];
  const share = weight === undefined ? weightMax : Number(weight);
  if (revision === undefined || share > weightMax) {
    throw new UsageError(
      `Cannot read the target ${JSON.stringify(text)}: it must be a revision such as 7, or a revision and a weight such as 7=95`,
    );
  }
  return { revision: Number(revision), weight: share };
}

export const aliasesSet = defineCommand({
  name: "aliases set",
  summary: "Point an alias at one or two revisions",
  arguments: {
    function: functionArgument,
    alias: { summary: "Name: a-z first, then a-z and 0-9, at most 16" },
    targets: { summary: "Revision, or revision=weight, at most two", many: true },
  },
  options: {},
  examples: [
    { command: "reactor aliases set hello staging 8", summary: "hello@staging is revision 8" },
    {
      command: "reactor aliases set hello production 7=95 8=5",
      summary: "5 % of the live traffic to revision 8",
    },
  ],
  errors: [{ code: "deployment_not_found", next: "reactor functions deployments list {function}" }],
  async run({ output, client, signal }, args) {
    const targets = args.targets.map(parseTarget);
    const reactor = await client();
    const alias = await reactor.setAlias(args.function, args.alias, targets, { signal });
    output.result(alias, () => `${args.function}@${alias.name} is now ${describeTargets(alias)}`);
    return undefined;
  },
});
