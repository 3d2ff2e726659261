import type { CommandTable } from "../command.ts";
import type { CommandName } from "../control-plane.ts";
import { aliasCommands } from "./aliases.ts";
import { auditCommands } from "./audit.ts";
import { backupCommands } from "./backups.ts";
import { databaseCommands } from "./database.ts";
import { deploymentCommands } from "./deployments.ts";
import { envCommands } from "./env.ts";
import { functionCommands } from "./functions.ts";
import { hookCommands } from "./hooks.ts";
import { invocationCommands } from "./invocations.ts";
import { keyCommands } from "./keys.ts";
import { logCommands } from "./logs.ts";
import { policyCommands } from "./policies.ts";
import { playgroundCommands } from "./playground.ts";
import { projectCommands } from "./projects.ts";
import { promotionCommands } from "./promotions.ts";
import { queuedInvocationCommands } from "./queued-invocations.ts";
import { scheduleCommands } from "./schedules.ts";
import { secretCommands } from "./secrets.ts";
import { usageCommands } from "./usage.ts";
import { workerCommands } from "./workers.ts";

/** Every command by name. */
export const commandTable: CommandTable<CommandName> = {
  ...projectCommands,
  ...functionCommands,
  ...deploymentCommands,
  ...promotionCommands,
  ...aliasCommands,
  ...envCommands,
  ...keyCommands,
  ...policyCommands,
  ...secretCommands,
  ...auditCommands,
  ...logCommands,
  ...invocationCommands,
  ...queuedInvocationCommands,
  ...usageCommands,
  ...scheduleCommands,
  ...hookCommands,
  ...backupCommands,
  ...databaseCommands,
  ...workerCommands,
  ...playgroundCommands,
};
