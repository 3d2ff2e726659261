import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { microvmMissing } from "../../src/drivers/microvm/images/test-images.harness.ts";
import { microvmFunctions } from "../compatibility/microvm-functions.ts";
import { blockText } from "../compatibility/source-text.ts";
import { makeRunDir, processesWith, startServer, type TestServer, until } from "./reactor.ts";

const because = microvmMissing === undefined ? "" : ` (${microvmMissing})`;
/** A deploy may have to make an image and boot a template first, emulated and beside other work. */
const limitMs = 240_000;

/** The block of the family's own text that begins at the line. */
function sourceAt(line: number): string {
  const entry = microvmFunctions.entries.find(({ lines }) => lines[0] === line);
  if (entry === undefined) throw new Error(`No entry begins at line ${line}`);
  return blockText(entry);
}

const greeting = { message: "Hello, Ada!" };
const examples = [
  { name: "greeter-python", line: 59, runtime: "python", event: { name: "Ada" }, answer: greeting },
  { name: "greeter-js", line: 82, runtime: "javascript", event: { name: "Ada" }, answer: greeting },
  {
    name: "greeter-ts",
    line: 106,
    runtime: "typescript",
    event: { name: "Ada" },
    answer: greeting,
  },
  {
    name: "calculator",
    line: 304,
    runtime: "python",
    event: { operation: "add", a: 10, b: 5 },
    answer: { result: 15 },
  },
] as const;

describe.if(microvmMissing === undefined)(`microVM functions${because}`, () => {
  let server: TestServer;
  let upstream: ReturnType<typeof Bun.serve>;
  let runDir: string;

  beforeAll(async () => {
    upstream = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("outside") });
    runDir = await makeRunDir();
    server = await start();
  }, limitMs);

  afterAll(async () => {
    await server.stop();
    await upstream.stop(true);
  });

  const start = (dataDir?: string): Promise<TestServer> =>
    startServer({
      runtimes: "all",
      ...(dataDir !== undefined && { dataDir }),
      microvms: true,
      env: {
        REACTOR_RUN_DIR: runDir,
        REACTOR_EGRESS_PRIVATE_ALLOW: `127.0.0.1:${upstream.port}`,
      },
    });

  const deploy = async (
    name: string,
    source: string,
    manifest: Readonly<Record<string, unknown>> = {},
  ): Promise<{ readonly status: string }> => {
    const file = manifest["runtime"] === "python" ? "main.py" : "index.ts";
    const written = { name, isolation: "microvm", access: "public", ...manifest };
    const files = new Map<string, Uint8Array>([
      [file, Buffer.from(source)],
      ["reactor.json", Buffer.from(JSON.stringify(written))],
    ]);
    return server.client.deploy(name, { files, promote: true, createFunction: true });
  };

  const post = (name: string, body: unknown): Promise<Response> =>
    server.fetch(`/fn/v1/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  test.each(examples)(
    "the source's $name answers as it stands, cold and then warm, at tier 3",
    async ({ name, line, runtime, event, answer }) => {
      expect(await deploy(name, sourceAt(line), { runtime })).toMatchObject({ status: "ready" });
      for (const cold of ["true", "false"]) {
        const response = await post(name, event);
        expect(response.headers.get("content-type")).toBe("application/json");
        expect(await response.json()).toEqual(answer);
        expect(response.headers.get("x-reactor-cold-start")).toBe(cold);
      }
      expect(await server.client.getFunction(name)).toMatchObject({
        tier: { level: 3, name: "microvm" },
      });
      expect((await server.cli("functions", "get", name)).stdout).toContain("3 (microvm)");
      const { instances } = await server.client.getFunctionRuntime(name);
      expect(instances.map(({ tier }) => tier)).toEqual([3]);
    },
    limitMs,
  );

  test(
    "min_tier 3 is met, memory is rounded up and says so, and the way out is the relay's",
    async () => {
      const source = `export default { async fetch(request, ctx) {
  const answers = [];
  for (const url of ["http://127.0.0.1:${upstream.port}/", "http://127.0.0.1:1/"]) {
    answers.push(await fetch(url).then((response) => response.text(), (error) => error.code ?? error.message));
  }
  return Response.json({ answers, memory: ctx.memoryLimitMB });
} };`;
      const limits = { memory_mb: 200 };
      await deploy("outbound", source, { runtime: "bun", min_tier: 3, limits });
      expect(await (await server.fetch("/fn/v1/outbound")).json()).toEqual({
        answers: ["outside", expect.stringContaining("egress_denied")],
        memory: 256,
      });
      const logs = await server.cli("functions", "logs", "outbound");
      expect(logs.stdout).toContain("200 is rounded up to 256");
    },
    limitMs,
  );

  test(
    "code that fails at import is the state Error, and the function serves what it served",
    async () => {
      await deploy("steady", "export default { fetch: () => new Response('steady') };");
      const failed = await deploy("steady", "throw new Error('at import');").catch(
        (error: unknown) => error,
      );
      expect(JSON.stringify(failed)).toContain("failed");
      expect(await (await server.fetch("/fn/v1/steady")).text()).toBe("steady");
    },
    limitMs,
  );

  test(
    "kill -9 of the server leaves no machine, and the next one serves the function again",
    async () => {
      await deploy("lasting", "export default { fetch: () => new Response('still here') };");
      expect(await (await server.fetch("/fn/v1/lasting")).text()).toBe("still here");
      const machines = async (): Promise<readonly string[]> =>
        (await processesWith(runDir)).filter((line) => line.includes("qemu"));
      expect((await machines()).length).toBeGreaterThan(0);
      const { dataDir } = server;
      server.signal("SIGKILL");
      await server.exited;
      await until("every machine is gone", async () => (await machines()).length === 0);
      server = await start(dataDir);
      expect(await (await server.fetch("/fn/v1/lasting")).text()).toBe("still here");
    },
    limitMs,
  );
});
