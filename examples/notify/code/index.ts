import type { FunctionContext } from "@reactor/functions";

/** What a post-provision hook is told. */
interface Provisioned {
  readonly projectId: string;
}

async function post(url: string, body: object): Promise<boolean> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  await response.body?.cancel();
  return response.ok;
}

/**
 * A post-provision hook: tells a Slack channel that a database is ready and installs pgvector in it.
 * `SLACK_WEBHOOK_URL` (a secret) and `PROVISIONING_URL` say where; a private address needs the
 * operator's `egress.private_allow`.
 */
export async function handler({ projectId }: Provisioned, ctx: FunctionContext): Promise<object> {
  const notified = await post(ctx.secrets.get("SLACK_WEBHOOK_URL"), {
    text: `DB ${projectId} is ready!`,
  });
  const migrations = `${ctx.env["PROVISIONING_URL"]}/api/provision/${projectId}/migrations`;
  const extensionInstalled = await post(migrations, {
    sql: "CREATE EXTENSION IF NOT EXISTS vector",
    version: "001",
    name: "pgvector",
  });
  return { notified, extensionInstalled };
}
