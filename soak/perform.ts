import type { ReactorClient } from "../src/client/client.ts";
import type { DeploymentResource } from "../src/client/resources.ts";
import type { FunctionState } from "./function-state.ts";
import type { Ledger } from "./ledger.ts";
import type { Operation } from "./operation.ts";
import { type VersionAnswer, versionedSource } from "./versioned-source.ts";

/** Asks the server for the operation; resolves when it is acknowledged, rejects with ClientError. */
export async function perform(
  client: ReactorClient,
  ledger: Ledger,
  operation: Exclude<Operation, { kind: "invoke" }>,
  options: { readonly paddingBytes?: number } = {},
): Promise<void> {
  const { name } = ledger;
  switch (operation.kind) {
    case "create":
      await client.createFunction({ name, runtime: "bun" });
      return;
    case "deploy": {
      const source = await versionedSource(name, operation.label, options);
      ledger.sources.set(source.sha256, source);
      const { promote, create } = operation;
      const deployment = await client.deploy(name, {
        files: source.files,
        promote,
        createFunction: create,
      });
      if (deployment.status !== "ready") throw new FailedDeploy(deployment);
      note(ledger, operation.label, deployment);
      return;
    }
    case "promote":
      await client.promote(name, idOf(ledger, operation.label));
      return;
    case "rollback":
      await client.rollback(name, idOf(ledger, operation.label));
      return;
    case "alias": {
      const revision = ledger.revisions.get(operation.label);
      if (revision === undefined) throw new Error(`No revision of ${operation.label} is known`);
      await client.setAlias(name, operation.alias, [{ revision, weight: 100 }]);
      return;
    }
    case "unalias":
      await client.deleteAlias(name, operation.alias);
      return;
    case "env": {
      const { key, value, secret } = operation;
      await client.setEnv(name, { key, value, secret });
      return;
    }
    case "unset":
      await client.unsetEnv(name, operation.key);
      return;
    case "enable":
      await client.updateFunction(name, { enabled: operation.enabled });
      return;
    case "delete":
      await client.deleteFunction(name);
      return;
    case "restore":
      await client.restoreFunction(name);
      return;
    default:
      operation satisfies never;
  }
}

/** The upload was taken but did not become ready; the deployment is kept as failed. */
export class FailedDeploy extends Error {
  constructor(deployment: DeploymentResource) {
    super(`the deploy failed: ${JSON.stringify(deployment.failure)}`);
  }
}

/** Remembers how the server calls a version. */
export function note(ledger: Ledger, label: string, deployment: DeploymentResource): void {
  ledger.ids.set(label, deployment.id);
  ledger.revisions.set(label, deployment.revision);
}

function idOf(ledger: Ledger, label: string): string {
  const id = ledger.ids.get(label);
  if (id === undefined) throw new Error(`No deployment of ${label} is known`);
  return id;
}

/** Invokes the function and says what was wrong about the answer, given its state. */
export async function invocationProblem(
  client: ReactorClient,
  name: string,
  state: FunctionState,
  alias?: string,
): Promise<string | undefined> {
  const label = alias === undefined ? state.production : state.aliases[alias];
  const wanted = expectedAnswer(state, label);
  const response = await client.invoke(name, { alias });
  const text = await response.text();
  const got =
    response.status === 200
      ? answerText(JSON.parse(text) as VersionAnswer)
      : `${response.status} ${/"code":"(\w+)"/.exec(text)?.[1] ?? text}`;
  return got === wanted ? undefined : `${name}: wanted ${wanted}, got ${got}`;
}

function expectedAnswer(state: FunctionState, label: string | undefined): string {
  if (!state.exists || state.deleted) return "404 function_not_found";
  if (!state.enabled) return "503 function_disabled";
  if (label === undefined) return "503 deployment_not_ready";
  return answerText({ label, env: { ...state.env, ...state.secrets } });
}

function answerText({ label, env }: VersionAnswer): string {
  const entries = Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([label, entries]);
}
