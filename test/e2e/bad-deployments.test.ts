import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startServer, type TestServer, until } from "./reactor.ts";

/**
 * Code that cannot be served, on every runtime: each deployment is kept as `failed`, and its log
 * names the file and, where anybody can know it, the line.
 */
let server: TestServer;

beforeAll(async () => {
  server = await startServer({
    runtimes: "all",
    env: { REACTOR_FUNCTIONS_START_TIMEOUT_MS: "4000" },
  });
});

afterAll(async () => {
  await server.stop();
});

interface BadCode {
  readonly source: string;
  readonly code: "bundle_invalid" | "cold_start_failed";
  /** What the log must say. */
  readonly log: RegExp;
}

interface Row {
  readonly runtime: string;
  readonly file: string;
  readonly cases: Readonly<Record<string, BadCode>>;
}

const javascript: Row["cases"] = {
  "a syntax error": {
    source: "const a = 1;\nexport default {\n  fetch( {\n};\n",
    code: "bundle_invalid",
    log: /^code\/index\.ts:4:\d+: Expected/m,
  },
  "no handler among the exports": {
    source: "const a = 1;\nexport const answer = a;\n",
    code: "cold_start_failed",
    log: /No handler found.*answer[^]*^code\/index\.ts:2:\d+: the export answer$/m,
  },
  "an export of the wrong type": {
    source: "const a = 1;\nexport default 42;\n",
    code: "cold_start_failed",
    log: /No handler found[^]*^code\/index\.ts:2:\d+: the export default$/m,
  },
  "a package that is not there": {
    source: 'const a = 1;\nimport pad from "left-pad";\nexport default { fetch: () => pad(a) };\n',
    code: "bundle_invalid",
    log: /^code\/index\.ts:2:\d+: .*"left-pad" is not in the bundle/m,
  },
  "an import that a module of the runtime does not have": {
    source:
      'const a = 1;\nimport { nothing } from "node:fs";\nexport default { fetch: nothing };\n',
    code: "cold_start_failed",
    log: /'nothing'[^]*code\/index\.ts:2:\d+|code\/index\.ts:2:\d+[^]*'nothing'/,
  },
  "a computed import of what is not there": {
    source:
      'const name = ["left", "pad"].join("-");\nexport default await import(name);\nexport const a = 1;\n',
    code: "cold_start_failed",
    log: /left-pad[^]*code\/index\.ts/,
  },
  "a throw at import": {
    source: 'const a = 1;\nthrow new Error("planned");\nexport default { fetch: () => a };\n',
    code: "cold_start_failed",
    log: /Error: planned\n\s+at (?:.* \()?code\/index\.ts:2:/,
  },
  "a top-level await that never ends": {
    source:
      "const a = 1;\nawait new Promise(() => setInterval(() => {}, 1000));\nexport default { fetch: () => a };\n",
    code: "cold_start_failed",
    log: /^code\/index\.ts was still being imported after 4000 ms: [^]*^code\/index\.ts:2:\d+: a top-level await$/m,
  },
  "a loop that never ends": {
    source: "const a = 1;\nfor (;;) {}\nexport default { fetch: () => a };\n",
    code: "cold_start_failed",
    log: /^code\/index\.ts was still being imported after 4000 ms: a wait or a loop/m,
  },
  "a module that exits at import": {
    source:
      'import { exit } from "node:process";\nexit(3);\nexport default { fetch: () => new Response() };\n',
    code: "cold_start_failed",
    log: /ended while the module was being imported\n\s+at (?:.* \()?code\/index\.ts:2:[^]*exited with code 3/,
  },
};

const python: Row["cases"] = {
  "a syntax error": {
    source: "x = 1\ndef handler(event:\n    return 1\n",
    code: "cold_start_failed",
    log: /SyntaxError: .*\(code\/index\.py:2\)/,
  },
  "tabs mixed with spaces": {
    source: "def handler(event):\n    if event:\n\treturn 1\n    return 2\n",
    code: "cold_start_failed",
    log: /TabError: .*\(code\/index\.py:3\)/,
  },
  "no handler among the names": {
    source: "def greet(event):\n    pass\n",
    code: "cold_start_failed",
    log: /No handler found.*greet.*\(code\/index\.py:1\)/,
  },
  "a handler of the wrong type": {
    source: "handler = {'a': 1}\n",
    code: "cold_start_failed",
    log: /"handler" is of type dict.*\(code\/index\.py:1\)/,
  },
  "a package that is not there": {
    source: "import json\nimport left_pad\ndef handler(event):\n    return 1\n",
    code: "cold_start_failed",
    log: /File "code\/index\.py", line 2[^]*No module named 'left_pad'/,
  },
  "a module that exits at import": {
    source: "import sys\nsys.exit(3)\n",
    code: "cold_start_failed",
    log: /SystemExit at code\/index\.py:2/,
  },
  "a loop that never ends": {
    source: "import time\nwhile True:\n    time.sleep(1)\n",
    code: "cold_start_failed",
    log: /^code\/index\.py was still being imported after 4000 ms: a wait or a loop/m,
  },
};

/** A runtime is a row; one that is written in another language has sources of its own. */
const rows: readonly Row[] = [
  ...["bun", "node", "deno"].map((runtime) => ({
    runtime,
    file: "code/index.ts",
    cases: javascript,
  })),
  { runtime: "python", file: "code/index.py", cases: python },
];

describe.each(rows.map((row) => [row.runtime, row] as const))("%s", (runtime, { file, cases }) => {
  test.each(Object.keys(cases))("%s is a failed deployment that says where", async (what) => {
    const { source, code, log } = cases[what] as BadCode;
    const name = `${runtime}-${what.replaceAll(/[^a-z]+/g, "-")}`;
    const files = new Map<string, Uint8Array>([
      [file, Buffer.from(source)],
      ["reactor.json", Buffer.from(JSON.stringify({ name, runtime }))],
    ]);
    const deployment = await server.client.deploy(name, { files, createFunction: true });
    expect({ status: deployment.status, code: deployment.failure?.code }).toEqual({
      status: "failed",
      code,
    });
    expect(deployment.failure?.log).toMatch(log);
    const { items } = await server.client.listDeployments(name);
    expect(items).toMatchObject([{ id: deployment.id, status: "failed" }]);
  });
});

/** Large modules that import nothing are not bundled, so that only the runtime reads them. */
describe.each(["bun", "node", "deno"])("a large module on %s", (runtime) => {
  const padding = "// A line of a large module that says nothing at all.\n".repeat(20_000);
  const deploy = (name: string, source: string) => {
    const manifest = { name, runtime, access: "public" };
    const files = new Map<string, Uint8Array>([
      ["index.js", Buffer.from(padding + source)],
      ["reactor.json", Buffer.from(JSON.stringify(manifest))],
    ]);
    return server.client.deploy(name, { files, createFunction: true, promote: true });
  };

  test("with a syntax error is a failed deployment that says where", async () => {
    const deployment = await deploy(
      `${runtime}-large-broken`,
      "export default {\n  fetch: () => 1 +* 2,\n};\n",
    );
    expect(deployment).toMatchObject({ status: "failed", failure: { code: "cold_start_failed" } });
    expect(deployment.failure?.log).toMatch(/index\.js:20002:\d+/);
  });

  test("names file, line and column where it throws", async () => {
    const name = `${runtime}-large-throws`;
    const source = 'export default {\n  fetch() {\n    throw new Error("planned");\n  },\n};\n';
    expect((await deploy(name, source)).status).toBe("ready");
    expect((await server.fetch(`/fn/v1/${name}`)).status).toBe(500);
    await until("the log has the trace", async () => {
      const logged = await server.client.readLogs(name);
      return logged.some(({ message }) => /index\.js:20003:1[15]\b/.test(message));
    });
  });
});

test("what failed leaves the function as it was: nothing serves", async () => {
  const response = await server.fetch("/fn/v1/bun-a-syntax-error");
  expect(response.status).toBe(503);
});
