import { usageOutputs } from "./usage-outputs.ts";
import type { CommandName, Commands, ControlPlane } from "../../control/control-plane.ts";
import { type Caller, requireScope } from "../../domain/caller.ts";
import type { QueuedView } from "../../control/queue/queued-view.ts";
import type { DeploymentRecord } from "../../domain/function.ts";
import type { InvocationRecord, StoredLogLine } from "../../domain/invocation.ts";
import type { FunctionPlan } from "../../domain/plan.ts";
import { sampleManifest } from "./sample-manifest.ts";

type Outputs = { [N in CommandName]: Commands[N]["output"] };

/** A control plane that records what it is asked and answers with samples. */
export interface RecordingControl extends ControlPlane {
  readonly calls: { name: CommandName; input: unknown; caller: Caller }[];
  /** Thrown by the next command instead of an answer. */
  failNext(error: Error): void;
  /** Answers a command with something else from now on. */
  answer<N extends CommandName>(
    name: N,
    work: (input: Commands[N]["input"]) => Commands[N]["output"],
  ): void;
  /** Forgets a key. */
  revoke(key: string): void;
}

export const adminKey = "rk_admin";
export const narrowKey = "rk_narrow";
const atMs = Date.parse("2026-11-21T10:00:00.000Z");

const deployment: DeploymentRecord = {
  id: "dep_1",
  functionId: "fn_1",
  revision: 7,
  status: "ready",
  manifest: sampleManifest,
  bundleSha256: "ab".repeat(32),
  sourceBlob: "internal-source",
  artifactBlob: "internal-artifact",
  shape: "fetch",
  schemas: { input: { type: "object" }, output: undefined },
  createdAtMs: atMs,
  readyAtMs: atMs + 5,
  failure: undefined,
};

const functionPlan: FunctionPlan = {
  functionId: "fn_1",
  projectId: "internal-project",
  project: "default",
  name: "hello",
  slug: "internal-slug",
  enabled: true,
  aliases: new Map(),
  deployments: new Map(),
  env: { version: 1, env: {}, secrets: { TOKEN: "internal-secret" } },
  policies: [],
};

const view: Outputs["functions.get"] = {
  id: "fn_1",
  projectId: "prj_1",
  project: "default",
  name: "hello",
  slug: "hello",
  runtime: "bun",
  isolation: "process",
  enabled: true,
  createdAtMs: atMs,
  updatedAtMs: atMs,
  deletedAtMs: undefined,
  envVersion: 3,
  production: { deploymentId: "dep_1", revision: 7 },
  shape: "fetch",
  minTier: 1,
  route: { method: "POST", path: "/hello" },
  events: ["invocation.dead"],
  hooks: ["pre-backup"],
};

const keyRecord: Outputs["keys.create"]["record"] = {
  id: "key_1",
  projectId: "default",
  name: "ci",
  digest: "never-shown",
  prefix: "rk_abc",
  scopes: ["functions:*:*"],
  createdAtMs: atMs,
  expiresAtMs: undefined,
  revokedAtMs: undefined,
};

const invocation: InvocationRecord = {
  id: "inv_1",
  requestId: "req_1",
  functionId: "fn_1",
  deploymentId: "dep_1",
  revision: 7,
  method: "POST",
  startedAtMs: atMs,
  durationMs: 1.5,
  runMs: 1.25,
  allotment: { memoryMb: 512, vcpu: 2 },
  status: 200,
  errorCode: undefined,
  cold: true,
  bytesIn: 10,
  bytesOut: 20,
};

/** A log line with the sequence number. */
export function sampleLine(seq: number, message = `line ${seq}`): StoredLogLine {
  return {
    seq,
    atMs: atMs + seq,
    level: "info",
    source: "log",
    functionId: "fn_1",
    deploymentId: "dep_1",
    invocationId: "inv_1",
    requestId: undefined,
    message,
  };
}

const alias: Outputs["aliases.set"] = {
  functionId: "fn_1",
  name: "canary",
  targets: [{ revision: 7, deploymentId: "dep_1", weight: 100 }],
  updatedAtMs: atMs,
};

/** Not an archive: the rows of the routes' test are compared as JSON. */
const backupBytes = Buffer.from('{"archive":"of everything"}');

const policy: Outputs["policies.get"] = {
  id: "pol_1",
  functionId: "fn_1",
  name: "office",
  rule: { kind: "time_window", days: ["mon"], hours: undefined, timezone: "UTC" },
  createdAtMs: atMs,
};

const queuedView: QueuedView = {
  functionName: "hello",
  invocation: {
    id: "inv_1",
    requestId: "req_1",
    projectId: "internal-project",
    functionId: "fn_1",
    selector: "production",
    origin: "request",
    state: "dead",
    position: 7,
    orderingKey: undefined,
    acceptedAtMs: 1_700_000_000_000,
    dueAtMs: undefined,
    expiresAtMs: 1_700_000_060_000,
    finishedAtMs: 1_700_000_001_000,
    attempt: 3,
    tries: 3,
    lease: undefined,
    storedBytes: 12,
    revision: 2,
    status: 503,
    errorCode: undefined,
    idempotency: "internal-digest",
    fingerprint: "internal-digest",
    depth: 0,
  },
  result: {
    facts: {
      status: 503,
      headers: ["content-type", "application/json"],
      truncated: false,
      error: undefined,
    },
    body: Buffer.from('{"ok":false}'),
  },
};

const samples: Outputs = {
  "projects.create": { id: "prj_2", name: "shop", createdAtMs: atMs },
  "projects.delete": { id: "prj_2", name: "shop", functions: 2 },
  "projects.list": [{ id: "default", name: "default", createdAtMs: atMs }],
  "functions.create": view,
  "functions.list": { items: [view], nextCursor: "hello" },
  "functions.get": view,
  "functions.update": { ...view, enabled: false },
  "functions.delete": { id: "fn_1", name: "hello" },
  "functions.restore": view,
  "deployments.create": deployment,
  "deployments.list": { items: [deployment], nextCursor: undefined },
  "deployments.get": deployment,
  "deployments.collect": [],
  "functions.promote": deployment,
  "functions.promoteAll": [deployment],
  "functions.rollback": deployment,
  "aliases.list": [alias],
  "aliases.set": alias,
  "aliases.delete": { alias: "canary" },
  "env.set": { key: "A", secret: true, version: 2, value: "must-not-leave", updatedAtMs: atMs },
  "env.list": [{ key: "B", secret: false, version: 1, value: "plain", updatedAtMs: atMs }],
  "env.unset": { key: "A" },
  "keys.create": { record: keyRecord, key: "rk_secret" },
  "keys.list": [keyRecord],
  "keys.revoke": { id: "key_1" },
  "policies.create": policy,
  "policies.list": [policy],
  "policies.get": policy,
  "policies.delete": { name: "office" },
  "policies.test": {
    admitted: false,
    atMs,
    deployments: [{ id: "dep_1", revision: 7, runtime: "bun" }],
    findings: [{ name: "office", holds: false, error: false, because: "the time is late" }],
  },
  "secrets.rotateKey": {
    formerKeyId: "old",
    keyId: "new",
    secrets: 3,
    formerKeyFile: "/data/data.key.old",
  },
  "audit.list": {
    items: [
      {
        id: "aud_1",
        atMs,
        actor: "key_1",
        command: "functions.create",
        subject: "hello",
        outcome: "ok",
        details: { runtime: "bun" },
      },
    ],
    nextCursor: undefined,
  },
  "logs.read": [sampleLine(1), sampleLine(2)],
  "logs.follow": (async function* () {})(),
  "invocations.list": [invocation],
  "invocations.get": { record: invocation, queued: undefined },
  "invocations.queued": { items: [queuedView], nextCursor: "7" },
  "invocations.status": queuedView,
  "invocations.request": {
    facts: {
      method: "POST",
      url: "http://hello.example/",
      headers: ["content-type", "application/json"],
      caller: "internal-caller",
      ip: "internal-ip",
    },
    body: Buffer.from('{"n":1}'),
  },
  "invocations.edit": queuedView,
  "invocations.retry": queuedView,
  "invocations.retryDead": { retried: 3 },
  "schedules.list": [
    {
      functionId: "fn_1",
      functionName: "hello",
      enabled: true,
      schedule: { cron: "0 8 * * *", timezone: "UTC", payload: '{"n":1}', catchUp: "once" },
      nextMs: [1_700_000_000_000],
    },
  ],
  "schedules.run": [queuedView],
  "hooks.list": [{ point: "pre-backup", order: 3, functionPlan }],
  "hooks.run": [
    {
      invocationId: "inv_1",
      functionId: "fn_1",
      functionName: "hello",
      revision: 7,
      succeeded: true,
      status: 200,
      error: undefined,
      body: Buffer.from('{"n":1}'),
      truncated: false,
      durationMs: 1.234_5,
    },
  ],
  ...usageOutputs,
  "workers.list": [{ functionId: "fn_1", name: "hello", enabled: true, revision: 2 }],
  "playground.run": {
    status: 200,
    headers: ["content-type", "text/plain"],
    body: Buffer.from("hi"),
    shape: "fetch",
    prepareMs: 1.234_5,
    startMs: 2,
    durationMs: 3,
    usage: { runMs: 2.5, allotment: { memoryMb: 256, vcpu: 1 } },
    logs: [
      {
        atMs,
        level: "info",
        source: "log",
        functionId: "internal-drf",
        deploymentId: "internal-drf",
        invocationId: "internal-drf",
        requestId: "internal-drf",
        message: "said",
      },
    ],
    logsDropped: 0,
    failure: undefined,
  },
  "database.migrations": [
    { name: "1_todos.sql", checksum: "ab", appliedAt: "2026-11-21T10:00:00Z" },
  ],
  "database.migrate": { applied: ["2_more.sql"], present: 1 },
  "database.query": { columns: ["id", "raw"], bytes: [1], rows: [[1, "AQI="]], count: 1 },
  "database.write": { columns: [], bytes: [], rows: [], count: 3 },
  "backups.create": {
    id: "bkp_1",
    bytes: backupBytes.length,
    chunks: {
      async *[Symbol.asyncIterator]() {
        yield backupBytes;
      },
    },
    close: () => Promise.resolve(),
  },
};

export function createRecordingControl(): RecordingControl {
  const calls: RecordingControl["calls"] = [];
  const answers = new Map<CommandName, (input: never) => unknown>();
  const keys = new Map<string, Caller>([
    [adminKey, { kind: "key", id: "key_admin", project: "*", scopes: ["*"] }],
    [narrowKey, { kind: "key", id: "key_narrow", project: "default", scopes: ["metrics:read"] }],
  ]);
  let failure: Error | undefined;
  return {
    calls,
    async execute<N extends CommandName>(
      name: N,
      input: Commands[N]["input"],
      caller: Caller,
    ): Promise<Commands[N]["output"]> {
      calls.push({ name, input, caller });
      const thrown = failure;
      failure = undefined;
      if (thrown) throw thrown;
      requireScope(caller, "functions:create");
      const work = answers.get(name) as ((input: Commands[N]["input"]) => Outputs[N]) | undefined;
      return work ? work(input) : samples[name];
    },
    authenticate: (key) => keys.get(key),
    async close() {},
    failNext(error) {
      failure = error;
    },
    answer(name, work) {
      answers.set(name, work);
    },
    revoke(key) {
      keys.delete(key);
    },
  };
}
