import { strict as assert } from "node:assert";
import { until } from "../e2e/reactor.ts";
import type { SourceText } from "./source-text.ts";

/** The Deno worker family's own text. */

const pipeline = { projectId: "prj-7", tier: "small", databaseType: "postgres" };

/** What is told at the points that know more than the project. */
const hookContexts: Readonly<Record<string, object>> = {
  "pre-provision": pipeline,
  "post-provision": {
    ...pipeline,
    credentials: { host: "db-7.internal", port: 5432, password: "pa$$word" },
  },
  "post-backup": { projectId: "prj-7", backupId: "backup-1" },
};

export const denoWorkerFunctions: SourceText = {
  family: "Deno workers",
  file: "deno-worker-functions.txt",
  entries: [
    {
      lines: [10, 12],
      block: ["function handler(data) {", '  return { message: "Hello, " + data.name };', "}"],
      needs: ["handler shape 4"],
      async run({ server, call }, block) {
        await server.deploy("hello", block);
        const response = await call("POST", "/fn/v1/hello", { name: "Deno" });
        assert.deepEqual(await response.json(), { message: "Hello, Deno" });
      },
    },
    {
      lines: [16, 19],
      block: [
        "async function handler(url) {",
        "  const response = await fetch(url);",
        "  return await response.json();",
        "}",
      ],
      needs: ["handler shape 4"],
      async run({ server, call, upstream }, block) {
        await server.deploy("process-data", block);
        const response = await call("POST", "/fn/v1/process-data", `${upstream}/data`);
        assert.deepEqual(await response.json(), { path: "/data", method: "GET", body: "" });
      },
    },
    {
      lines: [25, 28],
      block: [
        "  • Memory-isolated — one function cannot access another's state",
        "  • Permission-restricted — only net is allowed (no filesystem, no env, no subprocess)",
        "  • Long-lived — the Worker stays in memory after deploy for fast warm invocations",
        "  • Terminable — delete a function and the Worker is terminated immediately",
      ],
      needs: ["deno workers"],
      async run({ call }) {
        const code =
          "let calls = 0; async function handler(data) { calls++; globalThis.left = data.leave ?? globalThis.left; " +
          "if (data.wait) await new Promise(() => undefined); return { calls, left: globalThis.left ?? null }; }";
        for (const id of ["first", "second"]) await call("POST", "/deploy", { id, code });
        await call("POST", "/invoke/first", { leave: "something" });
        const again = await call("POST", "/invoke/first", {});
        assert.deepEqual(await again.json(), { calls: 2, left: "something" });
        const other = await call("POST", "/invoke/second", {});
        assert.deepEqual(await other.json(), { calls: 1, left: null });
        const waiting = call("POST", "/invoke/second", { wait: true });
        await until("it runs", async () => {
          const stats = (await (await call("GET", "/stats")).json()) as { running: number };
          return stats.running === 1;
        });
        await call("DELETE", "/delete/second");
        assert.equal((await waiting).status, 500);
      },
    },
    {
      lines: [29, 33],
      block: [
        "Deno Runtime Pod",
        "  ├─ Main thread (HTTP server, routing)",
        "  ├─ Worker: hello         ← isolated",
        "  ├─ Worker: process-data  ← isolated",
        "  └─ Worker: notify-slack  ← isolated",
      ],
      needs: ["deno workers"],
      async run({ call }, block) {
        const ids = [...block.matchAll(/Worker: (\S+)/g)].map(([, id]) => id ?? "");
        for (const id of ids) {
          const code = `function handler() { return "${id}"; }`;
          // The first entries made functions of two of these names, which are no workers.
          await call("POST", "/deploy", { id: `${id}-worker`, code });
        }
        for (const id of ids) {
          assert.equal(await (await call("POST", `/invoke/${id}-worker`)).json(), id);
        }
        const { scripts } = (await (await call("GET", "/scripts")).json()) as {
          scripts: { id: string }[];
        };
        const listed = scripts.map(({ id }) => id);
        assert.deepEqual(
          ids.filter((id) => !listed.includes(`${id}-worker`)),
          [],
        );
      },
    },
    {
      lines: [37, 43],
      block: [
        "PermissionAllowedWhy",
        "netYesFunctions need HTTP fetch for APIs, webhooks",
        "envNoPrevents access to K8s secrets/env vars",
        "readNoNo filesystem access",
        "writeNoNo filesystem writes",
        "runNoCannot spawn subprocesses",
        "ffiNoNo foreign function interface",
      ],
      needs: ["deno workers"],
      async run({ call, upstream }, block) {
        const tries: Readonly<Record<string, string>> = {
          net: `await (await fetch("${upstream}/x")).text()`,
          // What is there are the function's own variables, as on every runtime: nothing of the host.
          env: 'if (Deno.env.get("PATH") === undefined) throw new Error("not there")',
          read: 'Deno.readTextFileSync("/etc/hostname")',
          write: 'Deno.writeTextFileSync("/tmp/x", "x")',
          run: 'new Deno.Command("true").outputSync()',
          ffi: 'Deno.dlopen("libc.so.6", {})',
        };
        const allowed: Record<string, string> = {};
        for (const [permission, attempt] of Object.entries(tries)) {
          const code = `async function handler() { try { ${attempt}; return "Yes"; } catch (error) { return "No"; } }`;
          await call("POST", "/deploy", { id: `tries-${permission}`, code });
          const answer = await call("POST", `/invoke/tries-${permission}`);
          allowed[permission] = (await answer.json()) as string;
        }
        const rows = [...block.matchAll(/^([a-z]+)(Yes|No)/gm)].map(([, name, may]) => [name, may]);
        assert.deepEqual(allowed, Object.fromEntries(rows));
      },
    },
    {
      lines: [47, 47],
      block:
        "Default timeout is 30 seconds. If a function exceeds the timeout, the invocation fails with an error but the Worker stays alive for future calls.",
      needs: ["deno worker API"],
      async run({ server, call }) {
        const code =
          "let calls = 0; async function handler(data) { calls++; if (data.wait) await new Promise(() => undefined); return calls; }";
        await call("POST", "/deploy", { id: "patient", code });
        const { manifest } = (await server.client.getDeployment("patient", 1)) as {
          manifest: { limits: { timeout_ms: number } };
        };
        assert.equal(manifest.limits.timeout_ms, 30_000);
        await server.deploy("hasty", code, {
          runtime: "deno",
          isolation: "worker",
          limits: { timeout_ms: 200 },
        });
        assert.equal((await call("POST", "/invoke/hasty", { wait: true })).status, 504);
        assert.equal(await (await call("POST", "/invoke/hasty", {})).json(), 2);
      },
    },
    {
      lines: [49, 51],
      block: ["{", '  "error": "Execution timeout (30s)"', "}"],
      needs: ["deno worker API"],
      async run({ call }, block) {
        // The limit of this one is 200 ms, and the number is the real limit.
        const response = await call("POST", "/invoke/hasty", { wait: true });
        assert.deepEqual(await response.json(), JSON.parse(block.replace("30s", "0.2s")));
      },
    },
    {
      lines: [55, 55],
      block: "  1. POST /deploy — server receives code, creates a Web Worker",
      needs: ["deno worker API", "deno workers"],
      async run({ server, call }) {
        const code =
          "let calls = 0; function handler(data) { return { got: data, calls: ++calls }; }";
        const response = await call("POST", "/deploy", { id: "lived", code });
        assert.equal(response.status, 201);
        assert.deepEqual(await response.json(), { id: "lived", url: `${server.url}/invoke/lived` });
      },
    },
    {
      lines: [56, 56],
      block: "  2. Worker compiles and sends a ready signal (10-50ms)",
      needs: ["deno workers"],
      async run({ server }) {
        // How long it takes is measured by the bench.
        assert.equal((await server.client.getDeployment("lived", 1)).status, "ready");
      },
    },
    {
      lines: [57, 57],
      block: "  3. Worker stays in memory, ready for invocations",
      needs: ["deno workers"],
      async run({ call }) {
        await until("the worker is there without an invocation", async () => {
          const stats = (await (await call("GET", "/stats")).json()) as {
            byScript: Record<string, { workers: number; invocations: number }>;
          };
          const { workers, invocations } = stats.byScript["lived"] ?? {};
          return workers === 1 && invocations === 0;
        });
      },
    },
    {
      lines: [58, 58],
      block:
        "  4. Each POST /invoke/{id} sends a message to the Worker, Worker returns result (1-5ms)",
      needs: ["deno worker API", "deno workers"],
      async run({ call }) {
        for (const calls of [1, 2]) {
          const response = await call("POST", "/invoke/lived", { a: [1] });
          assert.deepEqual(await response.json(), { got: { a: [1] }, calls });
        }
      },
    },
    {
      lines: [59, 59],
      block: "  5. DELETE /delete/{id} — Worker is terminated, memory freed",
      needs: ["deno worker API", "deno workers"],
      async run({ call }) {
        const response = await call("DELETE", "/delete/lived");
        assert.deepEqual(await response.json(), { status: "deleted", id: "lived" });
        const after = await call("POST", "/invoke/lived", {});
        assert.deepEqual(
          [after.status, await after.json()],
          [404, { error: "Script not found: lived" }],
        );
      },
    },
    {
      lines: [65, 71],
      block: [
        "HookWhenContext available",
        "pre-provisionBefore pipelineprojectId, tier, databaseType",
        "post-provisionAfter ACTIVEAbove + credentials (host, port, password)",
        "pre-backupBefore backupprojectId",
        "post-backupAfter backupprojectId, backupId",
        "pre-deprovisionBefore deleteprojectId",
        "post-deprovisionAfter cleanupprojectId",
      ],
      needs: ["hooks"],
      async run({ server, call, upstream, values }, block) {
        const points = [...block.matchAll(/^((?:pre|post)-[a-z]+?)(?:Before|After)/gm)].map(
          ([, point = ""]) => point,
        );
        assert.equal(points.length, 6);
        await server.deploy("every-hook", "function handler(context) { return context; }", {
          hooks: points,
        });
        for (const point of points) {
          const context = hookContexts[point] ?? { projectId: "prj-7" };
          const response = await call("POST", `/api/v1/hooks/${point}`, context);
          assert.equal(response.status, 200);
          const { results } = (await response.json()) as { results: { body: unknown }[] };
          assert.deepEqual(
            results.map(({ body }) => body),
            [context],
          );
        }
        values.set("the two hosts", upstream);
      },
    },
    {
      lines: [75, 90],
      block: [
        "async function handler(ctx) {",
        "  // Notify Slack",
        '  await fetch("https://hooks.slack.com/services/...", {',
        '    method: "POST",',
        "    body: JSON.stringify({ text: `DB ${ctx.projectId} is ready!` })",
        "  });",
        "",
        "  // Install pgvector",
        "  await fetch(`http://provisioning-svc/api/provision/${ctx.projectId}/migrations`, {",
        '    method: "POST",',
        '    headers: { "Content-Type": "application/json" },',
        '    body: JSON.stringify({ sql: "CREATE EXTENSION IF NOT EXISTS vector", version: "001", name: "pgvector" })',
        "  });",
        "",
        "  return { notified: true, extensionInstalled: true };",
        "}",
      ],
      needs: ["handler shape 4", "hooks"],
      replace: {
        "https://hooks.slack.com": "the two hosts",
        "http://provisioning-svc": "the two hosts",
      },
      async run({ server, call }, block) {
        await server.deploy("notify-slack", block, { hooks: ["post-provision"] });
        const path = "/api/v1/hooks/post-provision";
        const response = await call("POST", path, hookContexts["post-provision"]);
        const { results } = (await response.json()) as {
          results: { function: string; body: unknown }[];
        };
        assert.deepEqual(results.find((result) => result.function === "notify-slack")?.body, {
          notified: true,
          extensionInstalled: true,
        });
      },
    },
  ],
};
