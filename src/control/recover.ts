import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import { systemCaller } from "../domain/caller.ts";
import type { DeploymentRecord, FunctionRecord } from "../domain/function.ts";
import type { QueuedInvocation } from "../domain/queue/queued-invocation.ts";
import type { Store, StoreReader } from "../store/store.ts";
import { auditRecord } from "./audit.ts";
import { deploymentEvent } from "./events/deployment-event.ts";
import type { Queue, QueueEvent } from "./queue/create-queue.ts";

interface RecoveryServices {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  /** Absent: nobody hears of it. */
  readonly queue: Queue | undefined;
}

/**
 * Marks as failed, with the reason, every deployment that the last run of the server left
 * half-made. Their code is kept; deploying again makes a new revision.
 */
export async function failInterruptedDeployments(
  services: RecoveryServices,
): Promise<readonly DeploymentRecord[]> {
  const { store, log } = services;
  const interrupted = await store.read(async (reader) => [
    ...(await reader.deploymentsByStatus("pending")),
    ...(await reader.deploymentsByStatus("materializing")),
  ]);
  if (interrupted.length === 0) return [];
  await failAll(services, interrupted, "The server stopped");
  log.warn("deployments were interrupted by the last stop and are failed now", {
    deployments: interrupted.map(({ id }) => id),
  });
  return interrupted;
}

/** Deployments whose outcome the store did not take. */
export interface StrandedDeployments {
  /** Tries, again and again until the store answers, to mark it as failed if it is half-made. */
  add(deploymentId: string): void;
  /** Forgets them; the next start of the server finds them. */
  close(): void;
}

const retryMs = 1000;

/** Sees to it that a deployment does not look under way for as long as the server runs. */
export function createStrandedDeployments(services: RecoveryServices): StrandedDeployments {
  const { store, clock, log } = services;
  const stranded = new Set<string>();
  let timer: { cancel(): void } | undefined;
  let closed = false;
  const wait = (): void => {
    if (!closed && stranded.size > 0) timer ??= clock.after(retryMs, retry);
  };
  const failThem = async (): Promise<void> => {
    const ids = [...stranded];
    const found = await store.read((reader) => Promise.all(ids.map((id) => reader.deployment(id))));
    const halfMade = found.flatMap((record) =>
      record?.status === "pending" || record?.status === "materializing" ? [record] : [],
    );
    if (halfMade.length > 0) await failAll(services, halfMade, "The store failed");
    for (const id of ids) stranded.delete(id);
  };
  const retry = (): void => {
    timer = undefined;
    failThem().then(wait, (error: unknown) => {
      log.warn("cannot mark interrupted deployments as failed yet", { error: String(error) });
      wait();
    });
  };
  return {
    add(deploymentId) {
      stranded.add(deploymentId);
      wait();
    },
    close() {
      closed = true;
      timer?.cancel();
    },
  };
}

async function failAll(
  services: RecoveryServices,
  deployments: readonly DeploymentRecord[],
  what: string,
): Promise<void> {
  const { store, queue } = services;
  const queued: QueuedInvocation[] = [];
  const owners = await store.read((reader) => ownersOf(reader, deployments));
  const events = new Map<string, QueueEvent | undefined>();
  for (const { projectId } of owners.values()) {
    events.set(projectId, await queue?.events(projectId));
  }
  const commit = store.write(async (writer) => {
    for (const deployment of deployments) {
      const { id, status, functionId, revision } = deployment;
      const message = `${what} while the deployment was ${status}; deploy it again`;
      const failure = { code: "deployment_failed", message, log: "" };
      await writer.updateDeployment(id, { status: "failed", failure });
      const owner = owners.get(functionId);
      if (owner !== undefined) {
        const event = deploymentEvent(owner, { ...deployment, failure }, false);
        queued.push(...((await events.get(owner.projectId)?.(writer, event)) ?? []));
      }
      await writer.insertAudit(
        auditRecord(services, {
          caller: systemCaller,
          command: "deployments.recover",
          subject: id,
          outcome: "failed",
          details: { function_id: functionId, revision, status },
        }),
      );
    }
  });
  await (queue?.follow(commit, () => queued) ?? commit);
}

async function ownersOf(
  reader: StoreReader,
  deployments: readonly DeploymentRecord[],
): Promise<ReadonlyMap<string, FunctionRecord>> {
  const owners = new Map<string, FunctionRecord>();
  for (const { functionId } of deployments) {
    const owner = await reader.functionById(functionId);
    if (owner !== undefined) owners.set(functionId, owner);
  }
  return owners;
}
