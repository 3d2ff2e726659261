import type { InvokeOptions } from "../../../client/invoke.ts";
import type { CommandContext } from "../../command.ts";
import { parseDurationMs } from "../../duration.ts";
import { UsageError } from "../../usage-error.ts";

/** What may be asked of a queued invocation. */
export interface QueueOptions {
  readonly delay: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly orderingKey: string | undefined;
}

/** Queues an invocation and says where its state is told. */
export async function invokeAsync(
  { output, client }: CommandContext,
  name: string,
  request: InvokeOptions,
  { delay, idempotencyKey, orderingKey }: QueueOptions,
): Promise<undefined> {
  const delayMs = delay === undefined ? undefined : parseDurationMs(delay);
  if (delay !== undefined && delayMs === undefined) {
    throw new UsageError(
      `--delay is ${JSON.stringify(delay)}, it must be a time such as 30s, 10m, 2h or 1d`,
    );
  }
  const delaySecs = delayMs === undefined ? undefined : delayMs / 1000;
  const wishes = { delaySecs, idempotencyKey, orderingKey };
  const reactor = await client();
  const accepted = await reactor.invokeAsync(name, { ...request, ...wishes });
  output.result(accepted, () => `${accepted.id} is queued: ${accepted.status_url}`);
  output.note(`Next: reactor invocations get ${accepted.id}`);
  return undefined;
}
