import type { ReactorClient } from "../src/client/client.ts";
import { ClientError } from "../src/client/client-error.ts";
import { absentFunction, type FunctionState } from "./function-state.ts";
import type { Ledger } from "./ledger.ts";
import { note } from "./perform.ts";

/** Reads a function through the API, as the client can see it; secrets without their values. */
export async function observe(client: ReactorClient, ledger: Ledger): Promise<FunctionState> {
  const { name } = ledger;
  const found = await client.getFunction(name).catch((error: unknown) => {
    if (error instanceof ClientError && error.code === "function_not_found") return error;
    throw error;
  });
  if (found instanceof ClientError) {
    const deleted = found.details["deleted"] === true;
    return { ...absentFunction, exists: deleted, deleted };
  }
  const [deployments, aliases, env] = await Promise.all([
    Array.fromAsync(client.eachDeployment(name)),
    client.listAliases(name),
    client.listEnv(name),
  ]);
  const labels = new Map(
    deployments.map((deployment) => {
      const label = ledger.sources.get(deployment.bundle_sha256)?.label;
      if (label !== undefined) note(ledger, label, deployment);
      return [deployment.id, label ?? `foreign ${deployment.bundle_sha256}`] as const;
    }),
  );
  const labelOf = (id: string | undefined): string => labels.get(id ?? "") ?? `unknown ${id}`;
  const others = aliases.filter((alias) => alias.name !== "production");
  const { production } = found;
  return {
    exists: true,
    deleted: false,
    enabled: found.enabled,
    production: production === null ? undefined : labelOf(production.deployment_id),
    aliases: Object.fromEntries(
      others.map((alias) => [alias.name, labelOf(alias.targets[0]?.deployment_id)]),
    ),
    env: Object.fromEntries(
      env.filter((one) => !one.secret).map((one) => [one.key, one.value ?? ""]),
    ),
    secrets: Object.fromEntries(env.filter((one) => one.secret).map((one) => [one.key, ""])),
    deployments: deployments
      .toSorted((a, b) => a.revision - b.revision)
      .map(({ id, status }) => ({ label: labelOf(id), status })),
  };
}
