import { strict as assert } from "node:assert";
import { deployPython } from "./deploy-python.harness.ts";
import type { Entry } from "./source-text.ts";

/** The microVM family's text from its architecture on: a first function, limits, good practice. */
export const microvmReference: readonly Entry[] = [
  {
    lines: [257, 262],
    block: [
      "â”Œâ”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”",
      "â”‚      Shared Container       â”‚",
      "â”‚  â”Œâ”€â”€â”€â”€â”€â” â”Œâ”€â”€â”€â”€â”€â” â”Œâ”€â”€â”€â”€â”€â”  â”‚",
      "â”‚  â”‚ Fn1 â”‚ â”‚ Fn2 â”‚ â”‚ Fn3 â”‚  â”‚ â† Weaker isolation",
      "â”‚  â””â”€â”€â”€â”€â”€â”˜ â””â”€â”€â”€â”€â”€â”˜ â””â”€â”€â”€â”€â”€â”˜  â”‚",
      "â””â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”˜",
    ],
    needs: [],
  },
  {
    lines: [267, 272],
    block: [
      "â”Œâ”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â” â”Œâ”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â” â”Œâ”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”",
      "â”‚ VM 1     â”‚ â”‚ VM 2     â”‚ â”‚ VM 3     â”‚",
      "â”‚  â”Œâ”€â”€â”€â”€â”€â” â”‚ â”‚  â”Œâ”€â”€â”€â”€â”€â” â”‚ â”‚  â”Œâ”€â”€â”€â”€â”€â” â”‚",
      "â”‚  â”‚ Fn1 â”‚ â”‚ â”‚  â”‚ Fn2 â”‚ â”‚ â”‚  â”‚ Fn3 â”‚ â”‚ â† Kernel-level isolation",
      "â”‚  â””â”€â”€â”€â”€â”€â”˜ â”‚ â”‚  â””â”€â”€â”€â”€â”€â”˜ â”‚ â”‚  â””â”€â”€â”€â”€â”€â”˜ â”‚",
      "â””â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”˜ â””â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”˜ â””â”€â”€â”€â”€â”€â”€â”€â”€â”€â”€â”˜",
    ],
    needs: ["microvm"],
    async run({ server, call }) {
      // Each goes on answering, so that none of them makes room for another.
      const source = `import { readFileSync } from "node:fs";
export default { fetch: () => new Response(new ReadableStream({
  start: (answer) => answer.enqueue(readFileSync("/etc/machine-id")),
})) };`;
      const concurrency = { queue_ms: 30_000 };
      await server.deploy("apart", source, { isolation: "microvm", concurrency });
      const answers = await Promise.all(
        [1, 2, 3].map(async () => {
          const reader = (await call("GET", "/fn/v1/apart")).body?.getReader();
          return { reader, id: String(Buffer.from((await reader?.read())?.value ?? [])) };
        }),
      );
      for (const { reader } of answers) await reader?.cancel();
      assert.equal(new Set(answers.map(({ id }) => id)).size, 3);
    },
  },
  {
    lines: [298, 300],
    block: ["**Function Name**: `calculator`", "**Runtime**: Python", "**Handler**: `handler`"],
    needs: ["python"],
    async run({ server, call }) {
      await deployPython(server, "calculator", "def handler(event):\n    return 'ready'\n", {
        handler: "handler",
      });
      const { runtime } = (await (await call("GET", "/api/v1/functions/calculator")).json()) as {
        runtime: string;
      };
      assert.equal(runtime, "python");
    },
  },
  {
    lines: [304, 327],
    block: [
      "def handler(event):",
      '    operation = event.get("operation")',
      '    a = float(event.get("a", 0))',
      '    b = float(event.get("b", 0))',
      "",
      '    if operation == "add":',
      "        result = a + b",
      '    elif operation == "subtract":',
      "        result = a - b",
      '    elif operation == "multiply":',
      "        result = a * b",
      '    elif operation == "divide":',
      '        result = a / b if b != 0 else "Error: Division by zero"',
      "    else:",
      "        return {",
      '            "statusCode": 400,',
      '            "body": \'{"error": "Invalid operation"}\',',
      "        }",
      "",
      "    return {",
      '        "statusCode": 200,',
      '        "headers": {"content-type": "application/json"},',
      '        "body": f\'{{"result": {result}}}\',',
      "    }",
    ],
    needs: ["python"],
    async run({ server, call }, block) {
      await deployPython(server, "calculator", block);
      const response = await call("POST", "/fn/v1/calculator", { operation: "?" });
      assert.equal(response.status, 400);
      assert.deepEqual(await response.json(), { error: "Invalid operation" });
    },
  },
  {
    lines: [332, 336],
    block: ["{", '  "operation": "add",', '  "a": 10,', '  "b": 5', "}"],
    needs: ["python"],
    async run({ call, values }, block) {
      const response = await call("POST", "/fn/v1/calculator", JSON.parse(block));
      assert.equal(response.status, 200);
      values.set("sum", await response.text());
    },
  },
  {
    lines: [341, 343],
    block: ["{", '  "result": 15', "}"],
    needs: ["python"],
    async run({ values }, block) {
      assert.deepEqual(JSON.parse(values.get("sum") ?? ""), JSON.parse(block));
    },
  },
  {
    lines: [381, 383],
    block: [
      "- Maximum timeout: 300 seconds (5 minutes)",
      "- Default timeout: 30 seconds",
      "- Configurable per function",
    ],
    needs: ["foundation"],
    async run({ call, type }) {
      await call("POST", "/api/v1/functions", { name: "timed" });
      const deploy = async (limits: object): Promise<number> => {
        const files = {
          "index.ts": "export default { fetch: () => new Response() };",
          "reactor.json": JSON.stringify({ limits }),
        };
        return (await call("POST", "/api/v1/functions/timed/deployments", { files })).status;
      };
      assert.equal(await deploy({ timeout_ms: 300_000 }), 201);
      assert.equal(await deploy({ timeout_ms: 300_001 }), 400);
      assert.match(await type("reactor config"), /invoke_default_timeout_ms +30000 +default/);
    },
  },
  {
    lines: [386, 387],
    block: ["- vCPU: 1-32 cores", "- Memory: 128 MB - 3072 MB (3 GB)"],
    needs: ["microvm"],
    async run({ call }) {
      await call("POST", "/api/v1/functions", { name: "sized", isolation: "microvm" });
      const deploy = async (limits: object): Promise<number> => {
        const files = {
          "index.ts": "export default { fetch: () => new Response() };",
          "reactor.json": JSON.stringify({ limits }),
        };
        return (await call("POST", "/api/v1/functions/sized/deployments", { files })).status;
      };
      assert.equal(await deploy({ memory_mb: 128, vcpu: 1 }), 201);
      for (const limits of [{ memory_mb: 127 }, { memory_mb: 3073 }, { vcpu: 0 }, { vcpu: 33 }]) {
        assert.equal(await deploy(limits), 400);
      }
    },
  },
  {
    lines: [388, 388],
    block: "- No persistent storage (ephemeral filesystem)",
    needs: ["foundation", "microvm"],
    async run({ server, call }) {
      const source =
        "import { existsSync, writeFileSync } from 'node:fs'; export default { fetch() { const was = existsSync('/tmp/kept'); writeFileSync('/tmp/kept', 'x'); return Response.json(was); } };";
      const isolation = "microvm";
      await server.deploy("ephemeral", source, { isolation });
      assert.equal(await (await call("GET", "/fn/v1/ephemeral")).json(), false);
      await server.deploy("ephemeral", source, { isolation });
      assert.equal(await (await call("GET", "/fn/v1/ephemeral")).json(), false);
    },
  },
  {
    lines: [391, 391],
    block: "- Outbound network access available",
    needs: ["foundation"],
    async run({ server, call, upstream }) {
      await server.deploy("outbound", `export default { fetch: () => fetch("${upstream}/out") };`);
      assert.equal((await (await call("GET", "/fn/v1/outbound")).json()).path, "/out");
    },
  },
];
