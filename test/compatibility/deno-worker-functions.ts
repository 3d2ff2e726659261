import { strict as assert } from "node:assert";
import type { SourceText } from "./source-text.ts";

/** The Deno worker family's own text. */

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
    },
    {
      lines: [47, 47],
      block:
        "Default timeout is 30 seconds. If a function exceeds the timeout, the invocation fails with an error but the Worker stays alive for future calls.",
      needs: ["deno worker API"],
    },
    {
      lines: [49, 51],
      block: ["{", '  "error": "Execution timeout (30s)"', "}"],
      needs: ["deno worker API"],
    },
    {
      lines: [55, 55],
      block: "  1. POST /deploy — server receives code, creates a Web Worker",
      needs: ["deno worker API", "deno workers"],
    },
    {
      lines: [56, 56],
      block: "  2. Worker compiles and sends a ready signal (10-50ms)",
      needs: ["deno workers"],
    },
    {
      lines: [57, 57],
      block: "  3. Worker stays in memory, ready for invocations",
      needs: ["deno workers"],
    },
    {
      lines: [58, 58],
      block:
        "  4. Each POST /invoke/{id} sends a message to the Worker, Worker returns result (1-5ms)",
      needs: ["deno worker API", "deno workers"],
    },
    {
      lines: [59, 59],
      block: "  5. DELETE /delete/{id} — Worker is terminated, memory freed",
      needs: ["deno worker API", "deno workers"],
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
    },
  ],
};
