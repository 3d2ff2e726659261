import type { Asked } from "../asked.ts";
import type { World } from "../world.ts";

/** Recorded as the status of an invocation whose client left. */
const clientLeftStatus = 499;

/** Every request of this life that ended is recorded and counted once, as the client heard it; no other is. */
export function checkRecords(world: World): void {
  const { records, lines, serving } = world.life;
  const byId = Map.groupBy(records, (record) => record.id);
  for (const asked of world.traffic.asked.values()) {
    const { id } = asked.question;
    const found = byId.get(id) ?? [];
    const expected = asked.open ? 0 : 1;
    world.expect(
      found.length === expected,
      () => `${id} has ${found.length} records, must have ${expected}`,
    );
    const [record] = found;
    if (record === undefined || asked.open) continue;
    const [is, must] = [`${record.status} ${record.errorCode ?? ""}`, outcomeOf(asked)];
    world.expect(is === must, () => `the record of ${id} says ${is}, the client heard ${must}`);
  }
  world.expect(byId.size <= world.traffic.asked.size, () => "a record belongs to no request");
  for (const meter of serving.meters()) {
    // A request that was refused before it had a deployment is on record, but on no meter.
    const assigned = records.filter(
      ({ functionId, deploymentId }) => functionId === meter.functionId && deploymentId !== "",
    );
    world.expect(
      assigned.length === meter.invocations,
      () => `${meter.functionName} has ${assigned.length} records and ${meter.invocations} counted`,
    );
  }
  for (const line of lines) world.expectNoSecret(line.message, `a log line of ${line.functionId}`);
  world.expectNoSecret(JSON.stringify(records), "an invocation record");
}

function outcomeOf({ ending }: Asked): string {
  if (ending === undefined) return "nothing";
  if (ending.kind === "cancelled") return `${clientLeftStatus} `;
  if (ending.kind === "answered") return `${ending.status} `;
  return `${ending.error.status} ${ending.error.code}`;
}
