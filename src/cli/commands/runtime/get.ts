import type { FunctionRuntimeResource } from "../../../client/resources.ts";
import { defineCommand } from "../../command.ts";
import { describeTierOf, describeTime } from "../../describe.ts";
import { sheet, table } from "../../table.ts";
import { functionArgument } from "../functions/function-argument.ts";

export const runtimeGet = defineCommand({
  name: "runtime get",
  summary: "Show what a function's instances do now, and what egress denied them",
  arguments: { function: functionArgument },
  options: {},
  examples: [
    { command: "reactor runtime get hello", summary: "Instances, last failure and egress denials" },
  ],
  errors: [],
  async run({ output, client, signal }, args) {
    const reactor = await client();
    const runtime = await reactor.getFunctionRuntime(args.function, { signal });
    output.result(runtime, () => describeRuntime(runtime));
    return undefined;
  },
});

function describeRuntime(runtime: FunctionRuntimeResource): string {
  const failure = runtime.last_failure;
  const parts = [
    sheet({
      state: runtime.state,
      tier: describeTierOf(runtime.tier, runtime.min_tier),
      running: runtime.running,
      waiting: runtime.waiting,
      "last failure": failure ? `${describeTime(failure.at)} it ${failure.reason}` : undefined,
      "egress denied": runtime.egress.denied,
    }),
  ];
  if (runtime.instances.length > 0) {
    const rows = runtime.instances.map((instance) => [
      instance.id ?? "-",
      `@${instance.revision}`,
      instance.state,
      String(instance.running),
      String(instance.served),
    ]);
    parts.push(table(["INSTANCE", "REVISION", "STATE", "RUNNING", "SERVED"], rows));
  }
  if (runtime.egress.recent.length > 0) {
    const rows = runtime.egress.recent.map((denial) => [
      denial.host,
      denial.port === null ? "-" : String(denial.port),
      String(denial.count),
      describeTime(denial.last_at),
      denial.message,
    ]);
    parts.push(table(["DENIED HOST", "PORT", "TIMES", "LAST", "WHY"], rows));
  }
  return parts.join("\n\n");
}
