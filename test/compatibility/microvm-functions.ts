import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import type { InvocationResource } from "../../src/client/resources.ts";
import { until } from "../e2e/reactor.ts";
import { deployPython } from "./deploy-python.harness.ts";
import { microvmReference } from "./microvm-reference.ts";
import type { SourceText } from "./source-text.ts";

/** The microVM family's own text. */
export const microvmFunctions: SourceText = {
  family: "MicroVM",
  file: "microvm-functions.txt",
  entries: [
    {
      lines: [19, 19],
      block: "- **Isolated Execution** - Each function runs in a dedicated microVM",
      needs: ["microvm"],
      async run({ server, call }) {
        const source = `import { readFileSync } from "node:fs";
export default { fetch: () => Response.json(readFileSync("/proc/sys/kernel/random/boot_id", "utf8")) };`;
        await server.deploy("dedicated", source, { isolation: "microvm" });
        const kernel = await (await call("GET", "/fn/v1/dedicated")).json();
        assert.notEqual(kernel, readFileSync("/proc/sys/kernel/random/boot_id", "utf8"));
      },
    },
    {
      lines: [20, 20],
      block: "- **Event-Driven** - Triggered by HTTP requests with JSON payloads",
      needs: ["handler shape 4"],
      async run({ server, call }) {
        await server.deploy("driven", "export function handler(event) { return { got: event }; }");
        const response = await call("POST", "/fn/v1/driven", { kind: "order" });
        assert.deepEqual(await response.json(), { got: { kind: "order" } });
      },
    },
    {
      lines: [22, 22],
      block: "- **Pay-Per-Use** - Only pay for actual execution time",
      needs: ["usage", "microvm"],
      async run({ server, call }) {
        const source = `export default { async fetch() {
  const began = performance.now();
  await new Promise((done) => setTimeout(done, 200));
  return Response.json(performance.now() - began);
} };`;
        // The machine that it gets has 512 MB.
        const limits = { memory_mb: 300, vcpu: 2 };
        await server.deploy("paid", source, { isolation: "microvm", limits });
        const executed: number = await (await call("GET", "/fn/v1/paid")).json();
        let item: InvocationResource | undefined;
        await until("its record is there", async () => {
          [item] = await server.client.listInvocations({ function: "paid" });
          return item !== undefined;
        });
        assert.ok(item?.usage && item.duration_ms !== null && item.cold);
        const { run_ms, vcpu_ms, gb_s } = item.usage;
        // A machine's clock is not the server's.
        assert.ok(run_ms > 0.9 * executed && run_ms < item.duration_ms, `${run_ms} ms`);
        assert.ok(Math.abs(vcpu_ms - 2 * run_ms) < 0.01, `${vcpu_ms} vCPU-ms`);
        assert.ok(Math.abs(gb_s - (run_ms / 1000) * 0.5) < 1e-6, `${gb_s} GB-s`);
        const { total } = await server.client.getFunctionUsage("paid");
        assert.deepEqual([total.invocations, total.cold_starts, total.vcpu_ms], [1, 1, vcpu_ms]);
      },
    },
    {
      lines: [23, 23],
      block: "- **Multiple Runtimes** - Support for Python, JavaScript (Bun), and TypeScript (Bun)",
      needs: ["python", "handler shape 4"],
      async run({ server, call }) {
        const sources = {
          python: "def handler(event):\n    return event\n",
          javascript: "export const handler = (event) => event;",
          typescript: "export const handler = (event: object): object => event;",
        };
        await deployPython(server, "python", sources.python);
        await server.deploy("javascript", sources.javascript, { runtime: "javascript" });
        await server.deploy("typescript", sources.typescript, { runtime: "typescript" });
        for (const name of Object.keys(sources)) {
          assert.deepEqual(await (await call("POST", `/fn/v1/${name}`, { a: 1 })).json(), { a: 1 });
        }
      },
    },
    {
      lines: [39, 40],
      block: [
        "- **Warm instances** are reused for subsequent requests (faster)",
        "- **Automatic shutdown** after idle timeout",
      ],
      needs: ["foundation"],
      async run({ server, call }) {
        await server.deploy(
          "reused",
          "let count = 0; export default { fetch: () => Response.json((count += 1)) };",
        );
        assert.equal(await (await call("GET", "/fn/v1/reused")).json(), 1);
        assert.equal(await (await call("GET", "/fn/v1/reused")).json(), 2);
      },
    },
    {
      lines: [59, 65],
      block: [
        "def handler(event):",
        '    name = event.get("name", "World")',
        "    return {",
        '        "statusCode": 200,',
        '        "headers": {"content-type": "application/json"},',
        '        "body": f\'{{"message": "Hello, {name}!"}}\',',
        "    }",
      ],
      needs: ["python"],
      async run({ server, call }, block) {
        await deployPython(server, "greeter", block);
        const response = await call("POST", "/fn/v1/greeter", { name: "Python" });
        assert.equal(response.headers.get("content-type"), "application/json");
        assert.deepEqual(await response.json(), { message: "Hello, Python!" });
      },
    },
    {
      lines: [82, 89],
      block: [
        "export async function handler(event) {",
        '  const name = event?.name || "World";',
        "  return {",
        "    statusCode: 200,",
        '    headers: { "content-type": "application/json" },',
        "    body: JSON.stringify({ message: `Hello, ${name}!` }),",
        "  };",
        "}",
      ],
      needs: ["handler shape 4"],
      async run({ server, call }, block) {
        await server.deploy("javascript", block);
        const response = await call("POST", "/fn/v1/javascript", { name: "Bun" });
        assert.equal(response.headers.get("content-type"), "application/json");
        assert.deepEqual(await response.json(), { message: "Hello, Bun!" });
      },
    },
    {
      lines: [106, 117],
      block: [
        "interface Event {",
        "  name?: string;",
        "}",
        "",
        "export async function handler(event: Event) {",
        '  const name = event?.name || "World";',
        "  return {",
        "    statusCode: 200,",
        '    headers: { "content-type": "application/json" },',
        "    body: JSON.stringify({ message: `Hello, ${name}!` }),",
        "  };",
        "}",
      ],
      needs: ["handler shape 4"],
      async run({ server, call }, block) {
        await server.deploy("typescript", block);
        const response = await call("POST", "/fn/v1/typescript", { name: "Bun" });
        assert.equal(response.headers.get("content-type"), "application/json");
        assert.deepEqual(await response.json(), { message: "Hello, Bun!" });
      },
    },
    {
      lines: [130, 135],
      block: [
        "| State | Description | Duration |",
        "|-------|-------------|----------|",
        "| **Creating** | Function is being created | 1-2 seconds |",
        "| **Deploying** | microVM is being provisioned | 2-5 seconds |",
        "| **Ready** | Function is ready to receive requests | - |",
        "| **Error** | Function failed to deploy or crashed | - |",
      ],
      needs: ["foundation", "microvm"],
      async run({ server, call }) {
        await call("POST", "/api/v1/functions", { name: "states", isolation: "microvm" });
        const deploy = async (source: string): Promise<string> => {
          const body = { files: { "index.ts": source } };
          return (await (await call("POST", "/api/v1/functions/states/deployments", body)).json())
            .status;
        };
        assert.equal(await deploy("export default { fetch: () => new Response() };"), "ready");
        assert.equal(await deploy("throw new Error('at import');"), "failed");
        assert.equal((await server.client.getFunction("states")).production, null);
      },
    },
    {
      lines: [138, 141],
      block: [
        "- **Cold Start** - First invocation, VM needs to boot (~2-3 seconds)",
        "- **Warm** - Subsequent invocations, VM already running (~50-200ms)",
        "- **Executing** - Function code is running",
        "- **Complete** - Execution finished, response sent",
      ],
      needs: ["foundation"],
      async run({ server, call }) {
        await server.deploy("recorded", "export default { fetch: () => new Response() };");
        const starts = [];
        for (let i = 0; i < 2; i++)
          starts.push((await call("GET", "/fn/v1/recorded")).headers.get("x-reactor-cold-start"));
        assert.deepEqual(starts, ["true", "false"]);
      },
    },
    {
      lines: [175, 177],
      block: ["### 3. Scheduled Tasks", "", "Run periodic tasks without cron jobs:"],
      needs: ["schedule"],
      async run({ server }) {
        const source = "export const handler = (event) => ({ did: event.task });";
        const schedule = [{ cron: "* * * * * *", payload: { task: "cleanup" } }];
        await server.deploy("periodic", source, { schedule });
        let done: unknown;
        await until("it ran by itself", async () => {
          const of = { state: "succeeded", function: "periodic", limit: 1 } as const;
          const [item] = (await server.client.listQueuedInvocations(of)).items;
          const shown = item && (await server.client.getInvocation(item.id));
          done = shown?.queued?.result?.body;
          return done !== undefined;
        });
        assert.deepEqual(done, { did: "cleanup" });
      },
    },
    {
      lines: [208, 208],
      block: "- Complete kernel-level isolation via Firecracker",
      needs: ["microvm"],
      // By QEMU, where no Firecracker can run.
      async run({ server }) {
        const source = "export default { fetch: () => new Response() };";
        await server.deploy("isolated", source, { isolation: "microvm", min_tier: 3 });
        const { tier } = await server.client.getFunction("isolated");
        assert.deepEqual(tier, { level: 3, name: "microvm" });
      },
    },
    {
      lines: [232, 232],
      block: "- Write code in web editor (Monaco)",
      needs: ["console"],
    },
    {
      lines: [233, 233],
      block: "- Test instantly in Playground",
      needs: ["playground"],
      async run({ call }) {
        const files = {
          "index.js": "exports.handler = async (event) => ({ doubled: event.n * 2 });",
        };
        const response = await call("POST", "/api/v1/playground/run", { files, event: { n: 21 } });
        const outcome = (await response.json()) as { status: number; body: string };
        assert.deepEqual([outcome.status, outcome.body], [200, '{"doubled":42}']);
      },
    },
    {
      lines: [234, 234],
      block: "- View real-time logs",
      needs: ["foundation"],
      async run({ server, call, follow }) {
        await server.deploy(
          "live",
          "export default { fetch() { console.log('live line'); return new Response(); } };",
        );
        await follow("reactor functions logs live --follow", "live line", () =>
          call("GET", "/fn/v1/live"),
        );
      },
    },
    {
      lines: [240, 243],
      block: [
        "- Spin up instances as needed",
        "- Handle traffic spikes automatically",
        "- No manual capacity planning",
        "- Each invocation can run in parallel",
      ],
      needs: ["foundation"],
      async run({ server, call }) {
        const source =
          "export default { fetch: () => new Promise((done) => setTimeout(done, 500, new Response())) };";
        await server.deploy("spread", source, {
          concurrency: { per_instance: 1, queue_ms: 20000 },
        });
        const cold = await Promise.all(
          [1, 2, 3].map(async () =>
            (await call("GET", "/fn/v1/spread")).headers.get("x-reactor-cold-start"),
          ),
        );
        assert.deepEqual(cold, ["true", "true", "true"]);
      },
    },
    ...microvmReference,
  ],
};
