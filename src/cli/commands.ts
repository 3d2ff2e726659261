import type { Command } from "./command.ts";
import { aliasesDelete } from "./commands/aliases/delete.ts";
import { aliasesList } from "./commands/aliases/list.ts";
import { aliasesSet } from "./commands/aliases/set.ts";
import { clientGenerate } from "./commands/client/generate.ts";
import { backupCreate } from "./commands/backup/create.ts";
import { completion } from "./commands/completion.ts";
import { deploy } from "./commands/deploy.ts";
import { dbMigrate } from "./commands/db/migrate.ts";
import { dbQuery } from "./commands/db/query.ts";
import { dbStatus } from "./commands/db/status.ts";
import { functionsCreate } from "./commands/functions/create.ts";
import { functionsDelete } from "./commands/functions/delete.ts";
import { functionsDeploy } from "./commands/functions/deploy.ts";
import { deploymentsGet } from "./commands/functions/deployments/get.ts";
import { deploymentsList } from "./commands/functions/deployments/list.ts";
import { functionsDisable } from "./commands/functions/disable.ts";
import { functionsEnable } from "./commands/functions/enable.ts";
import { envList } from "./commands/functions/env/list.ts";
import { envSet } from "./commands/functions/env/set.ts";
import { envUnset } from "./commands/functions/env/unset.ts";
import { functionsGet } from "./commands/functions/get.ts";
import { functionsInvoke } from "./commands/functions/invoke.ts";
import { functionsList } from "./commands/functions/list.ts";
import { functionsLogs } from "./commands/functions/logs.ts";
import { functionsPromote } from "./commands/functions/promote.ts";
import { functionsRestore } from "./commands/functions/restore.ts";
import { functionsRollback } from "./commands/functions/rollback.ts";
import { init } from "./commands/init.ts";
import { invocationsEdit } from "./commands/invocations/edit.ts";
import { invocationsGet } from "./commands/invocations/get.ts";
import { invocationsList } from "./commands/invocations/list.ts";
import { invocationsRetry } from "./commands/invocations/retry.ts";
import { keysCreate } from "./commands/keys/create.ts";
import { keysList } from "./commands/keys/list.ts";
import { keysRevoke } from "./commands/keys/revoke.ts";
import { policiesCreate } from "./commands/policies/create.ts";
import { policiesDelete } from "./commands/policies/delete.ts";
import { policiesGet } from "./commands/policies/get.ts";
import { policiesList } from "./commands/policies/list.ts";
import { policiesTest } from "./commands/policies/test-policies.ts";
import { projectsCreate } from "./commands/projects/create.ts";
import { projectsDelete } from "./commands/projects/delete.ts";
import { projectsList } from "./commands/projects/list.ts";
import { secretsGet } from "./commands/secrets/get.ts";
import { secretsList } from "./commands/secrets/list.ts";
import { secretsSet } from "./commands/secrets/set.ts";
import { secretsUnset } from "./commands/secrets/unset.ts";
import { hooksList } from "./commands/hooks/list.ts";
import { hooksRun } from "./commands/hooks/run.ts";
import { schedulesList } from "./commands/schedules/list.ts";
import { schedulesRun } from "./commands/schedules/run.ts";
import { secretsRotateKey } from "./commands/secrets/rotate-key.ts";
import { runtimeGet } from "./commands/runtime/get.ts";
import { newFunction } from "./commands/new.ts";
import { logs } from "./commands/logs.ts";
import { usage } from "./commands/usage.ts";
import { playgroundRun } from "./commands/playground/run.ts";

/** A shorter name for a command. */
function shortcut(command: Command, name: string): Command {
  const summary = `Short for reactor ${command.name}`;
  const short = (text: string): string => text.replace(command.name, name);
  const examples = command.examples.map((example) => ({
    ...example,
    command: short(example.command),
  }));
  return { ...command, name, summary, examples };
}

/** Every command that works on any machine: those that speak to a server, `init` and `new`. */
export const commands: readonly Command[] = [
  init,
  newFunction,
  deploy,
  projectsCreate,
  projectsDelete,
  projectsList,
  functionsCreate,
  functionsList,
  functionsGet,
  runtimeGet,
  functionsDeploy,
  functionsPromote,
  functionsRollback,
  functionsInvoke,
  functionsLogs,
  functionsEnable,
  functionsDisable,
  functionsDelete,
  functionsRestore,
  deploymentsList,
  deploymentsGet,
  envSet,
  envList,
  envUnset,
  aliasesList,
  aliasesSet,
  aliasesDelete,
  policiesCreate,
  policiesList,
  policiesGet,
  policiesTest,
  policiesDelete,
  secretsSet,
  secretsGet,
  secretsList,
  secretsUnset,
  secretsRotateKey,
  invocationsList,
  invocationsGet,
  invocationsRetry,
  invocationsEdit,
  schedulesList,
  schedulesRun,
  hooksList,
  hooksRun,
  playgroundRun,
  clientGenerate,
  dbMigrate,
  dbStatus,
  dbQuery,
  backupCreate,
  keysCreate,
  keysList,
  keysRevoke,
  shortcut(functionsInvoke, "invoke"),
  logs,
  usage,
  completion,
];
