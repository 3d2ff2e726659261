import assert from "node:assert/strict";
import { env as hostEnv } from "node:process";
import type { CaseContext } from "./case-context.ts";
import type { DriverCase } from "./driver-case.ts";
import { scenario } from "./scenario.ts";

const showEnv = scenario(
  "show-env",
  `const { env } = process;
const atImport = env.GREETING;
export default { fetch(request, ctx) {
  let missing = "no error";
  try { missing = "value " + ctx.secrets.get("NOT_THERE"); } catch (error) { missing = "error " + error.message; }
  return Response.json({
    process: { ...env }, atImport,
    greeting: ctx.env.GREETING, token: ctx.secrets.get("TOKEN"), missing,
  });
} };`,
);
const showContext = scenario(
  "show-context",
  `export default { fetch(request, ctx) {
  return Response.json({
    requestId: ctx.requestId, functionName: ctx.functionName, deploymentId: ctx.deploymentId,
    revision: ctx.revision, memoryLimitMB: ctx.memoryLimitMB, timeoutMs: ctx.timeoutMs,
    remaining: ctx.remainingMs(), aborted: ctx.signal.aborted,
  });
} };`,
);

/** What a runtime may set for itself; everything else must have been declared. */
const runtimeKeys =
  /^(?:PATH|HOME|TMPDIR|TMP|TEMP|LANG|LC_ALL|TZ|USER|SHELL|PWD|HOSTNAME|SHLVL|_|NODE_ENV|TERM|BUN_.*|DENO_.*|NODE_.*|PYTHON.*|REACTOR_.*|(?:https?|all|no)_proxy)$/i;

interface ShownEnv {
  readonly process: Readonly<Record<string, string>>;
  readonly atImport?: string;
  readonly greeting?: string;
  readonly token?: string;
  readonly missing: string;
}

async function shown(context: CaseContext): Promise<ShownEnv> {
  const instance = await context.start(showEnv, {
    env: { GREETING: "h\u00e9llo =\nworld" },
    secrets: { TOKEN: "s3cret-token" },
  });
  return (await context.ok(instance)).json() as ShownEnv;
}

export const envCases: readonly DriverCase[] = [
  {
    name: "declared env is in process.env before the module loads, and in ctx.env",
    knob: "no_env",
    async run(context) {
      const seen = await shown(context);
      assert.equal(seen.atImport, "h\u00e9llo =\nworld");
      assert.equal(seen.process["GREETING"], "h\u00e9llo =\nworld");
      assert.equal(seen.greeting, "h\u00e9llo =\nworld");
    },
  },
  {
    name: "secrets are in process.env and in ctx.secrets",
    knob: "no_env",
    async run(context) {
      const seen = await shown(context);
      assert.equal(seen.process["TOKEN"], "s3cret-token");
      assert.equal(seen.token, "s3cret-token");
    },
  },
  {
    name: "ctx.secrets.get of a key that is not there throws and names it",
    knob: "empty_secrets",
    async run(context) {
      const seen = await shown(context);
      assert.match(seen.missing, /^error .*NOT_THERE/);
    },
  },
  {
    name: "nothing of the host's environment reaches the handler",
    knob: "host_env",
    async run(context) {
      const seen = await shown(context);
      const declared = new Set(["GREETING", "TOKEN"]);
      const extra = Object.keys(seen.process).filter(
        (key) => !declared.has(key) && (!runtimeKeys.test(key) || isHostValue(key, seen)),
      );
      assert.deepEqual(extra, []);
    },
  },
  {
    name: "ctx carries the request's and the deployment's facts",
    knob: "no_ctx",
    async run(context) {
      const instance = await context.start(showContext);
      const seen = (await context.ok(instance)).json() as Record<string, unknown>;
      const { remaining, ...facts } = seen;
      assert.deepEqual(facts, {
        requestId: "req-1",
        functionName: "suite",
        deploymentId: "dep_suite",
        revision: 7,
        memoryLimitMB: 256,
        timeoutMs: 30_000,
        aborted: false,
      });
      assert(typeof remaining === "number");
      assert(remaining > 0 && remaining <= 30_000, `${remaining} ms remain of 30,000`);
    },
  },
];

/** A runtime key may be there, but not with a long value that can only be the host's own. */
function isHostValue(key: string, seen: ShownEnv): boolean {
  const value = hostEnv[key];
  return value !== undefined && value.length > 24 && seen.process[key] === value;
}
