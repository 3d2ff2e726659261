import { strict as assert } from "node:assert";
import { reactorReference } from "./reactor-reference.ts";
import type { SourceText } from "./source-text.ts";

/** The Reactor family's own text. */

export const reactorFunctions: SourceText = {
  family: "Reactor",
  file: "reactor-functions.txt",
  entries: [
    {
      lines: [13, 13],
      block: "  • WASM — In-process via Wasmtime; sub-100ms cold starts when precompiled.",
      needs: ["wasm"],
    },
    {
      lines: [14, 14],
      block: "  • Bun — TypeScript/JavaScript with a warm subprocess pool.",
      needs: ["foundation"],
      async run({ call }) {
        const health = await (await call("GET", "/fn/v1/health")).json();
        assert.ok("bun" in health.runtimes);
      },
    },
    {
      lines: [15, 15],
      block: "  • Lambda — Remote AWS execution via Function URLs and the Lambda Web Adapter.",
      needs: ["lambda"],
    },
    {
      lines: [19, 19],
      block: "  • Web Standard contractfetch(req) → Response (Bun) or WASI HTTP (WASM).",
      needs: ["foundation", "wasm"],
      async run({ server, call }) {
        await server.deploy(
          "contract",
          "export default { fetch: (request) => new Response(request.method) };",
        );
        assert.equal(await (await call("PUT", "/fn/v1/contract")).text(), "PUT");
      },
    },
    {
      lines: [23, 23],
      block: "  • Invoke policies — Restrict by method, path, time window, or custom rules.",
      needs: ["policies"],
      async run({ server, call, type }) {
        await server.deploy("guarded", "export default { fetch: () => new Response('in') };");
        await type("reactor policies create guarded reads --method GET,HEAD");
        await type("reactor policies create guarded api --path /api --match prefix");
        await type("reactor policies create guarded open --hours 00:00-24:00 --timezone UTC");
        await type(`reactor policies create guarded v1 --cel 'request.query.v == "1"'`);
        assert.equal((await call("GET", "/fn/v1/guarded/api/x?v=1")).status, 200);
        for (const [method, path] of [
          ["POST", "/api/x?v=1"],
          ["GET", "/other?v=1"],
          ["GET", "/api/x?v=2"],
        ] as const) {
          const response = await call(method, `/fn/v1/guarded${path}`);
          assert.equal(response.status, 403);
          assert.equal((await response.json()).error.code, "policy_denied");
        }
        const asked = await call("POST", "/fn/v1/_admin/functions/guarded/policies/test", {
          method: "POST",
          path: "/api/x?v=1",
        });
        assert.equal((await asked.json()).admitted, false);
      },
    },
    {
      lines: [24, 24],
      block:
        "  • Unified observabilityX-Reactor-Function, X-Reactor-Cold-Start, and X-Reactor-Duration-Ms headers on every response.",
      needs: ["foundation"],
      async run({ server, call }) {
        await server.deploy("headers", "export default { fetch: () => new Response() };");
        const { headers } = await call("GET", "/fn/v1/headers");
        assert.equal(headers.get("X-Reactor-Function"), "headers@1");
        assert.equal(headers.get("X-Reactor-Cold-Start"), "true");
        assert.ok(Number(headers.get("X-Reactor-Duration-Ms")) > 0);
      },
    },
    {
      lines: [28, 35],
      block: [
        "functions/hello/code/index.ts:",
        "",
        "export default {",
        "async fetch(request: Request): Promise<Response> {",
        "const { name = 'World' } = await request.json().catch(() => ({}));",
        "return Response.json({ message: `Hello, ${name}!` });",
        "},",
        "};",
      ],
      needs: ["foundation"],
      async run({ write, server, call }, block) {
        const [name = "", , ...code] = block.split("\n");
        await write(name.replace(/:$/, ""), code.join("\n"));
        await server.deploy("block", code.join("\n"));
        assert.deepEqual(await (await call("POST", "/fn/v1/block", {})).json(), {
          message: "Hello, World!",
        });
      },
    },
    {
      lines: [37, 37],
      block: "reactor functions create hello --runtime bun",
      needs: ["foundation"],
      async run({ type }, line) {
        assert.match(await type(line), /hello/);
      },
    },
    {
      lines: [38, 38],
      block: "reactor functions deploy hello --dir ./functions/hello",
      needs: ["foundation"],
      async run({ type, values }, line) {
        const id = /dep_[0-9a-z]{26}/.exec(await type(line))?.[0];
        assert.ok(id);
        values.set("first deployment", id);
      },
    },
    {
      lines: [39, 39],
      block: "reactor functions promote hello",
      needs: ["foundation"],
      async run({ type }, line) {
        assert.match(await type(line), /hello/);
      },
    },
    {
      lines: [40, 40],
      block: 'reactor functions invoke hello --json \'{"name":"Reactor"}\'',
      needs: ["foundation"],
      async run({ type }, line) {
        assert.deepEqual(JSON.parse(await type(line)), { message: "Hello, Reactor!" });
      },
    },
    {
      lines: [45, 45],
      block: "reactor functions env set hello STRIPE_SECRET_KEY --secret",
      needs: ["foundation"],
      async run({ type, call }, line) {
        await type(line, "sk_test_canary_4711\n");
        const listed = await (await call("GET", "/api/v1/functions/hello/env")).text();
        assert.match(listed, /STRIPE_SECRET_KEY/);
        assert.doesNotMatch(listed, /canary/);
      },
    },
    {
      lines: [46, 46],
      block: "reactor functions env set hello STRIPE_PUBLIC_KEY sk_live_...",
      needs: ["foundation"],
      async run({ type }, line) {
        await type(line);
      },
    },
    {
      lines: [47, 47],
      block: "reactor functions deploy hello --dir ./functions/hello",
      needs: ["foundation"],
      async run({ type }, line) {
        assert.match(await type(line), /dep_/);
      },
    },
    {
      lines: [48, 48],
      block: "reactor functions promote hello",
      needs: ["foundation"],
      async run({ type }, line) {
        await type(line);
      },
    },
    {
      lines: [52, 58],
      block: [
        "{",
        '"name": "hello",',
        '"runtime": "bun",',
        '"entrypoint": "code/index.ts",',
        '"env_keys": ["STRIPE_PUBLIC_KEY"],',
        '"secret_keys": ["STRIPE_SECRET_KEY"]',
        "}",
      ],
      needs: ["foundation"],
      async run({ type, write, call }, block) {
        await write("declared/manifest.json", block);
        await write(
          "declared/code/index.ts",
          `export default { fetch: (request, ctx) =>
      Response.json([ctx.env.STRIPE_PUBLIC_KEY, ctx.secrets.get("STRIPE_SECRET_KEY").length]) };`,
        );
        await type("reactor functions deploy hello --dir ./declared --promote");
        assert.deepEqual(await (await call("GET", "/fn/v1/hello")).json(), ["sk_live_...", 19]);
      },
    },
    {
      lines: [59, 75],
      block: [
        "// Inside your function handler",
        "export default {",
        "async fetch(): Promise<Response> {",
        "const stream = new ReadableStream({",
        "async start(controller) {",
        "for (let i = 0; i < 10; i++) {",
        "controller.enqueue(`data: ${JSON.stringify({ chunk: i })}\\n\\n`);",
        "await new Promise((r) => setTimeout(r, 200));",
        "}",
        "controller.close();",
        "},",
        "});",
        "return new Response(stream, {",
        "headers: { 'Content-Type': 'text/event-stream' },",
        "});",
        "},",
        "};",
      ],
      needs: ["foundation"],
      async run({ server, call }, block) {
        await server.deploy("sse", block);
        const response = await call("GET", "/fn/v1/sse");
        assert.equal(response.headers.get("content-type"), "text/event-stream");
        const chunks: string[] = [];
        for await (const chunk of response.body ?? []) chunks.push(new TextDecoder().decode(chunk));
        assert.equal(
          chunks.join(""),
          Array.from({ length: 10 }, (_, i) => `data: {"chunk":${i}}\n\n`).join(""),
        );
        assert.ok(chunks.length > 3, "the stream came at once");
      },
    },
    {
      lines: [77, 77],
      block: "reactor functions deployments list hello",
      needs: ["foundation"],
      async run({ type, values }, line) {
        assert.ok((await type(line)).includes(values.get("first deployment") ?? "no id"));
      },
    },
    {
      lines: [78, 78],
      block: "reactor functions rollback hello --to-deployment dep_01HZ...",
      needs: ["foundation"],
      replace: { "dep_01HZ...": "first deployment" },
      async run({ type }, line) {
        await type(line);
        const invoked = await type("reactor functions invoke hello --json '{}'");
        assert.deepEqual(JSON.parse(invoked), { message: "Hello, World!" });
      },
    },
    ...reactorReference,
  ],
};
