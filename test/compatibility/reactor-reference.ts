import { strict as assert } from "node:assert";
import type { Entry } from "./source-text.ts";
import type { World } from "./world.ts";

/** The manifest's limit takes the bound itself and refuses what is beyond it. */
async function bounds({ call }: World, key: string, min: number, max: number): Promise<void> {
  await call("POST", "/api/v1/functions", { name: "bounds" });
  const deploy = async (value: number): Promise<string> => {
    const files = {
      "index.ts": "export default { fetch: () => new Response() };",
      "reactor.json": JSON.stringify({ limits: { [key]: value } }),
    };
    const response = await call("POST", "/api/v1/functions/bounds/deployments", { files });
    return `${response.status} ${await response.text()}`;
  };
  assert.match(await deploy(max), /^201 /);
  for (const beyond of [min - 1, max + 1]) {
    const answer = await deploy(beyond);
    assert.match(answer, /manifest_invalid/);
    assert.ok(answer.includes(String(max)), answer);
  }
}

/** With one request inside, the next is answered 429 with Retry-After: 1. */
async function capped({ server }: World, name: string, concurrency: object): Promise<void> {
  await server.deploy(name, "export default { fetch: () => new Promise(() => {}) };", {
    concurrency,
  });
  const leave = new AbortController();
  // Both start at once; the one that is not inside is refused, and then the other may leave.
  const both = [1, 2].map(() => server.fetch(`/fn/v1/${name}`, { signal: leave.signal }));
  const response = await Promise.race(both);
  const answer = await response.json();
  leave.abort();
  await Promise.allSettled(both);
  assert.equal(response.status, 429);
  assert.equal(response.headers.get("retry-after"), "1");
  assert.equal(answer.error.code, "too_many_requests");
}

/** The second half of the Reactor family's text: settings, limits, endpoints, errors. */

export const reactorReference: readonly Entry[] = [
  {
    lines: [79, 88],
    block: [
      "[functions]",
      'workdir = "./.reactor/functions"',
      'data_key = "base64-32-byte-key"',
      "bundle_max_bytes = 52428800 # 50 MiB",
      "invoke_default_timeout_ms = 30000",
      "invoke_max_timeout_ms = 300000",
      "bun_idle_ttl_secs = 300",
      "bun_max_instances_per_fn = 8",
      "# Runtimes to enable (comma-separated: wasm,bun,lambda)",
      'runtimes = ["wasm", "bun"]',
    ],
    needs: ["foundation", "wasm"],
    replace: { "base64-32-byte-key": "data key" },
    async run({ type }, block) {
      // The world's server runs with this very table.
      const shown: { settings: { key: string; value: unknown; origin: string }[] } = JSON.parse(
        await type("reactor config --json"),
      );
      for (const line of block.split("\n").slice(1)) {
        const key = /^(\w+) = /.exec(line)?.[1];
        const setting = shown.settings.find((entry) => entry.key === `functions.${key}`);
        if (key !== undefined)
          assert.match(setting?.origin ?? "missing", /reactor\.toml:\d+$/, key);
      }
    },
  },
  {
    lines: [89, 91],
    block: [
      "[functions.storage]",
      'url = "http://localhost:8003"',
      'api_key = "storage-api-key-for-system-bucket"',
    ],
    needs: ["storage server"],
  },
  {
    lines: [92, 96],
    block: [
      "[functions.lambda]",
      'region = "us-east-1"',
      'role_arn = "arn:aws:iam::123456789012:role/reactor-lambda"',
      'bundle_s3_bucket = "reactor-function-bundles"',
      'lwa_layer_arn = "arn:aws:lambda:us-east-1:753240598075:layer:LambdaAdapterLayerX86:..."',
    ],
    needs: ["lambda"],
  },
  {
    lines: [97, 98],
    block: ["LimitWASMBunLambda", "Default timeout30s30s30s (max 900s)"],
    needs: ["foundation", "wasm", "lambda"],
    async run({ type, write }) {
      await write("silent.toml", "");
      assert.match(
        await type("reactor config --config silent.toml"),
        /invoke_default_timeout_ms +30000 +default/,
      );
    },
  },
  {
    lines: [99, 99],
    block: "Max timeout300s300s900s",
    needs: ["foundation", "wasm", "lambda"],
    async run(world) {
      await bounds(world, "timeout_ms", 1, 300_000);
    },
  },
  {
    lines: [100, 100],
    block: "Memory range32–1024 MB64–2048 MB128–10240 MB",
    needs: ["foundation", "wasm", "lambda"],
    async run(world) {
      await bounds(world, "memory_mb", 64, 2048);
    },
  },
  {
    lines: [101, 101],
    block: "Bundle size50 MiB50 MiB50 MiB",
    needs: ["foundation", "wasm", "lambda"],
    async run({ type, write }) {
      await write("silent.toml", "");
      assert.match(
        await type("reactor config --config silent.toml"),
        /bundle_max_bytes +52428800 +default/,
      );
    },
  },
  {
    lines: [102, 103],
    block: ["Cold start (p50)~50ms~200ms~300ms (no PC)", "Warm latency (p50)~5ms~15ms~30ms"],
    needs: ["foundation", "wasm", "lambda"],
    async run({ server, call }) {
      // The figures themselves are measured by `npm run bench`; here: which request was which.
      await server.deploy("warm", "export default { fetch: () => new Response() };");
      const cold = await call("GET", "/fn/v1/warm");
      const warm = await call("GET", "/fn/v1/warm");
      assert.equal(cold.headers.get("x-reactor-cold-start"), "true");
      assert.equal(warm.headers.get("x-reactor-cold-start"), "false");
    },
  },
  {
    lines: [104, 104],
    block: "Max concurrencyPer manifestPer manifestReserved concurrency optional",
    needs: ["foundation", "wasm", "lambda"],
    async run(world) {
      await capped(world, "permanifest", { max_instances: 1, per_instance: 1, max_concurrency: 1 });
    },
  },
  {
    lines: [108, 113],
    block: ["{", '"concurrency": {', '"min_instances": 0,', '"max_concurrency": 50', "}", "}"],
    needs: ["foundation"],
    async run({ server, call }, block) {
      await server.deploy(
        "bounded",
        "export default { fetch: () => new Response('ok') };",
        JSON.parse(block),
      );
      assert.equal(await (await call("GET", "/fn/v1/bounded")).text(), "ok");
    },
  },
  {
    lines: [115, 115],
    block:
      "When concurrency cap is hit, Reactor returns 429 too_many_requests with Retry-After: 1.",
    needs: ["foundation"],
    async run(world) {
      await capped(world, "busy", { max_concurrency: 1, queue_ms: 0 });
    },
  },
  {
    lines: [117, 118],
    block: ["MethodPathDescription", "*/fn/v1/{name}Invoke function"],
    needs: ["foundation"],
    async run({ call }) {
      for (const method of ["POST", "PUT"]) {
        const response = await call(method, "/fn/v1/hello", { name: method });
        assert.deepEqual(await response.json(), { message: `Hello, ${method}!` });
      }
    },
  },
  {
    lines: [119, 119],
    block: "*/fn/v1/{name}/{*sub}Invoke with sub-path",
    needs: ["foundation"],
    async run({ server, call }) {
      await server.deploy(
        "sub",
        "export default { fetch: (request) => new Response(new URL(request.url).pathname) };",
      );
      assert.match(await (await call("GET", "/fn/v1/sub/items/7")).text(), /\/items\/7$/);
    },
  },
  {
    lines: [120, 120],
    block: "POST/fn/v1/_admin/functionsCreate function",
    needs: ["foundation"],
    async run({ call }) {
      const response = await call("POST", "/fn/v1/_admin/functions", {
        name: "raw",
        runtime: "bun",
      });
      assert.equal(response.status, 201);
    },
  },
  {
    lines: [121, 121],
    block: "POST/fn/v1/_admin/functions/{name}/deploymentsUpload bundle",
    needs: ["foundation"],
    async run({ call }) {
      const source = "export default { fetch: () => new Response('raw') };";
      const response = await call("POST", "/fn/v1/_admin/functions/raw/deployments", {
        files: { "index.ts": source },
      });
      assert.equal(response.status, 201, await response.clone().text());
      assert.equal((await response.json()).status, "ready");
      assert.equal((await call("GET", "/fn/v1/raw")).status, 503);
    },
  },
  {
    lines: [122, 122],
    block: "POST/fn/v1/_admin/functions/{name}/promoteSwap live traffic",
    needs: ["foundation"],
    async run({ call }) {
      const response = await call("POST", "/fn/v1/_admin/functions/raw/promote", {});
      assert.equal(response.status, 200, await response.clone().text());
      assert.equal(await (await call("GET", "/fn/v1/raw")).text(), "raw");
    },
  },
  {
    lines: [123, 123],
    block: "GET/fn/v1/_admin/functions/{name}/logsStream logs (SSE)",
    needs: ["foundation"],
    async run({ server, call }) {
      await server.deploy(
        "spoken",
        "export default { fetch() { console.log('said once'); return new Response(); } };",
      );
      await call("GET", "/fn/v1/spoken");
      const response = await call("GET", "/fn/v1/_admin/functions/spoken/logs?follow=true");
      assert.equal(response.headers.get("content-type")?.split(";")[0], "text/event-stream");
      let events = "";
      for await (const chunk of response.body ?? []) {
        events += new TextDecoder().decode(chunk);
        if (events.includes("said once")) return;
      }
      assert.fail(`the stream ended: ${events}`);
    },
  },
  {
    lines: [125, 125],
    block:
      "The deployment is still materializing or failed. Check deployment status and logs before promoting again.",
    needs: ["foundation"],
    async run({ type, call }) {
      await type("reactor functions create unpromoted");
      const response = await call("GET", "/fn/v1/unpromoted");
      assert.equal(response.status, 503);
      assert.equal((await response.json()).error.code, "deployment_not_ready");
    },
  },
  {
    lines: [128, 128],
    block: "reactor functions deployments list hello",
    needs: ["foundation"],
    async run({ type }, line) {
      assert.match(await type(line), /dep_/);
    },
  },
  {
    lines: [129, 129],
    block: "reactor functions logs hello --follow",
    needs: ["foundation"],
    async run({ server, follow, call }, line) {
      await server.deploy(
        "hello",
        "export default { fetch() { console.log('heard'); return new Response(); } };",
      );
      await follow(line, "heard", () => call("GET", "/fn/v1/hello"));
    },
  },
  {
    lines: [131, 131],
    block:
      "The handler exceeded limits.timeout_ms. Optimize long operations or move them to a Job. For Lambda, also verify the AWS function timeout matches.",
    needs: ["foundation", "lambda"],
    async run({ server, call }) {
      await server.deploy("slow", "export default { fetch: () => new Promise(() => {}) };", {
        limits: { timeout_ms: 50 },
      });
      const response = await call("GET", "/fn/v1/slow");
      assert.equal(response.status, 504);
      assert.equal((await response.json()).error.code, "function_timeout");
    },
  },
  {
    lines: [133, 133],
    block:
      "Concurrency cap reached. Increase max_concurrency in the manifest or implement client-side backoff using the Retry-After header.",
    needs: ["foundation"],
    async run(world) {
      await capped(world, "full", { max_concurrency: 1, queue_ms: 0 });
    },
  },
  {
    lines: [135, 135],
    block:
      "Your handler threw an uncaught exception. Check function logs—the platform response includes deployment_id and duration_ms in error details.",
    needs: ["foundation"],
    async run({ server, call }) {
      await server.deploy("throws", "export default { fetch() { throw new Error('no'); } };");
      const { error } = await (await call("GET", "/fn/v1/throws")).json();
      assert.equal(error.code, "function_error");
      assert.match(error.details.deployment_id, /^dep_/);
      assert.ok(error.details.duration_ms >= 0);
    },
  },
  {
    lines: [137, 137],
    block:
      "Ensure env_keys and secret_keys in the manifest exist in function env before deploying. The server recomputes bundle_sha256—client-provided hash must match.",
    needs: ["foundation"],
    async run({ call }) {
      await call("POST", "/api/v1/functions", { name: "strict" });
      const deploy = async (manifest: object): Promise<string> => {
        const files = {
          "index.ts": "export default { fetch: () => new Response() };",
          "reactor.json": JSON.stringify(manifest),
        };
        const response = await call("POST", "/api/v1/functions/strict/deployments", { files });
        return `${response.status} ${await response.text()}`;
      };
      assert.match(await deploy({ env_keys: ["ABSENT_KEY"] }), /ABSENT_KEY/);
      assert.match(await deploy({ secret_keys: ["ABSENT_SECRET"] }), /ABSENT_SECRET/);
      assert.match(await deploy({ bundle_sha256: "0".repeat(64) }), /^4\d\d .*bundle_invalid/);
    },
  },
];
