import type { Operation } from "./operation.ts";
import { aliasOperations } from "./resources/aliases.ts";
import { auditOperations } from "./resources/audit.ts";
import { backupOperations } from "./resources/backups.ts";
import { databaseOperations } from "./resources/database.ts";
import { deploymentOperations } from "./resources/deployments.ts";
import { envOperations } from "./resources/env.ts";
import { functionOperations } from "./resources/functions.ts";
import { hookOperations } from "./resources/hooks.ts";
import { invocationOperations } from "./resources/invocations.ts";
import { keyOperations } from "./resources/keys.ts";
import { logOperations } from "./resources/logs.ts";
import { policyOperations } from "./resources/policies.ts";
import { playgroundOperations } from "./resources/playground.ts";
import { runtimeOperations } from "./resources/runtime.ts";
import { projectOperations } from "./resources/projects.ts";
import { scheduleOperations } from "./resources/schedules.ts";
import { secretOperations } from "./resources/secrets.ts";
import { serverOperations } from "./resources/server.ts";
import { usageOperations } from "./resources/usage.ts";

/** Every operation of the admin API; routes, OpenAPI, client types and reference come from it. */
export const operations: readonly Operation[] = [
  ...projectOperations,
  ...functionOperations,
  ...runtimeOperations,
  ...deploymentOperations,
  ...aliasOperations,
  ...envOperations,
  ...policyOperations,
  ...secretOperations,
  ...logOperations,
  ...invocationOperations,
  ...usageOperations,
  ...scheduleOperations,
  ...hookOperations,
  ...keyOperations,
  ...auditOperations,
  ...backupOperations,
  ...databaseOperations,
  ...playgroundOperations,
  ...serverOperations,
];
