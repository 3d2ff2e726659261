import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { systemClock } from "../base/clock.ts";
import { createIds } from "../base/ids.ts";
import { silentLog } from "../base/log.ts";
import { systemRandom } from "../base/random.ts";
import type { ErrorEnvelope } from "../domain/errors.ts";
import type { LogLine } from "../domain/invocation.ts";
import type { FunctionPlan } from "../domain/plan.ts";
import { createTestDriver } from "../drivers/bun/test-driver.harness.ts";
import type { HttpServer } from "../http/http-server.ts";
import { createServing, type RunningServing } from "../serving/create-serving.ts";
import {
  type FunctionChanges,
  type ManifestChanges,
  testFunction,
  testPlan,
} from "../serving/plan-builder.harness.ts";
import { createGateway, type Gateway } from "./gateway.ts";
import type { TestDriver } from "../drivers/process/testing/open-test-driver.ts";

const sources: Record<string, { code: string; manifest?: ManifestChanges; revisions?: string[] }> =
  {
    echo: {
      code: `export default { async fetch(request) {
      return new Response(request.body, { headers: { "x-url": request.url, "x-method": request.method } });
    } }`,
      manifest: { limits: { bodyInBytesMax: 50e6, bodyOutBytesMax: 50e6 } },
    },
    throws: { code: `export default { fetch() { throw new TypeError("no luck"); } }` },
    nothing: { code: `export default { fetch() {} }` },
    hangs: {
      code: `export default { fetch() { return new Promise(() => {}); } }`,
      manifest: { limits: { timeoutMs: 300 } },
    },
    loops: {
      code: `export default { async fetch(request) {
      if (new URL(request.url).pathname === "/loop") for (;;) {}
      if (new URL(request.url).pathname === "/wait") await new Promise((r) => setTimeout(r, 5000));
      return new Response("fine");
    } }`,
      manifest: { limits: { timeoutMs: 500 }, concurrency: { maxInstances: 1 } },
    },
    exits: { code: `export default { fetch() { process.exit(3); } }` },
    crlf: {
      code: `export default { fetch() {
      const headers = new Headers();
      headers.set("x-a", "1\\r\\nset-cookie: evil=1");
      return new Response("x", { headers });
    } }`,
    },
    streams: {
      code: `export default { fetch() {
      return new Response(new ReadableStream({ async start(controller) {
        for (let i = 0; i < 10; i++) {
          controller.enqueue("data: " + i + "\\n\\n");
          await new Promise((r) => setTimeout(r, 60));
        }
        controller.close();
      } }), { headers: { "content-type": "text/event-stream" } });
    } }`,
      manifest: { limits: { timeoutMs: 100, idleTimeoutMs: 400 } },
    },
    huge: {
      code: `export default { fetch() { return new Response(new Uint8Array(100_000_000)); } }`,
    },
    cookies: {
      code: `export default { fetch() {
      const headers = new Headers();
      headers.append("set-cookie", "a=1");
      headers.append("set-cookie", "b=2");
      return new Response(null, { status: 204, headers });
    } }`,
    },
    leaves: {
      code: `export default { fetch(request) {
      request.signal.addEventListener("abort", () => console.log("aborted"));
      console.log("waiting");
      return new Promise(() => {});
    } }`,
    },
    versioned: {
      code: `export default { fetch() { return new Response("1"); } }`,
      revisions: [
        `export default { fetch() { return new Response("1"); } }`,
        `export default { fetch() { return new Response("2"); } }`,
      ],
    },
  };

let bun: TestDriver;
let serving: RunningServing;
let gateway: Gateway;
let server: HttpServer;
let functions: FunctionPlan[] = [];
const artifacts = new Map<string, Uint8Array>();
const lines: LogLine[] = [];
let heardLine: () => void = () => {};

beforeAll(async () => {
  bun = createTestDriver();
  serving = createServing({
    drivers: new Map([["bun/process", bun.driver]]),
    probes: new Map(),
    loadArtifact: (digest) => Promise.resolve(artifacts.get(digest) ?? new Uint8Array()),
    journal: {
      log: (line) => {
        lines.push(line);
        heardLine();
      },
      record() {},
    },
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  });
  for (const [name, source] of Object.entries(sources)) functions.push(await deploy(name, source));
  serving.apply(testPlan(functions));
  gateway = createGateway({
    serving,
    fallback: (http) => http.whole(404, [], undefined),
    health: () => ({}),
    clock: systemClock,
    ids: createIds(systemClock, systemRandom),
    log: silentLog,
  });
  server = gateway.createServer();
  await server.listen(0, "127.0.0.1");
});

afterAll(async () => {
  await gateway.close(0);
  await serving.shutdown(0);
  await bun.close();
});

async function deploy(name: string, source: (typeof sources)[string]): Promise<FunctionPlan> {
  const codes = source.revisions ?? [source.code];
  const changes: FunctionChanges = {
    name,
    revisions: codes.map((_, i) => i + 1),
    ...(source.manifest === undefined ? {} : { manifest: source.manifest }),
  };
  const plan = testFunction(changes);
  for (const [i, code] of codes.entries()) {
    const deployment = plan.deployments.get(i + 1);
    if (deployment === undefined) throw new Error(`no revision ${i + 1}`);
    const { deploymentId, manifest } = deployment;
    const files = new Map([["index.ts", Buffer.from(code)]]);
    const signal = AbortSignal.timeout(10_000);
    const artifact = await bun.driver.prepare({ deploymentId, manifest, files }, signal);
    artifacts.set(deployment.artifactBlob, artifact.code);
  }
  return plan;
}

function port(): number {
  return server.port;
}

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${port()}/fn/v1/${path}`, init);
}

async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as ErrorEnvelope).error.code;
}

/** Resolves once a log line with this text is there. */
async function logged(text: string): Promise<LogLine> {
  for (;;) {
    const line = lines.find(({ message }) => message.includes(text));
    if (line !== undefined) return line;
    await new Promise<void>((resolve) => {
      heardLine = resolve;
    });
  }
}

describe("a Bun function behind the gateway", () => {
  test("echoes small, empty and large bodies byte for byte, with the URL it should see", async () => {
    const large = systemRandom.bytes(10_000_000);
    for (const body of [new Uint8Array(), Buffer.from("hello"), large]) {
      const response = await ask("echo/a/b?c=d", { method: "POST", body });
      expect(response.status).toBe(200);
      expect(response.headers.get("x-url")).toBe(`http://127.0.0.1:${port()}/a/b?c=d`);
      expect(Buffer.from(await response.arrayBuffer()).equals(Buffer.from(body))).toBe(true);
    }
  });

  test("is cold once and warm afterwards", async () => {
    const cold: (string | null)[] = [];
    for (let i = 0; i < 3; i++) {
      const response = await ask("versioned");
      expect(response.headers.get("x-reactor-function")).toBe("versioned@1");
      cold.push(response.headers.get("x-reactor-cold-start"));
    }
    expect(cold).toEqual(["true", "false", "false"]);
  });

  test("that throws is function_error and its stack is in the log only", async () => {
    const response = await ask("throws");
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(text).toContain("function_error");
    expect(text).not.toContain("index.ts");
    const line = await logged("no luck");
    expect(line.requestId).toBe(response.headers.get("x-request-id") ?? "");
  });

  test("that returns nothing is an error of the function", async () => {
    const response = await ask("nothing");
    expect([response.status, await codeOf(response)]).toEqual([500, "function_error"]);
  });

  test("that never answers is 504 and stays usable", async () => {
    const response = await ask("hangs");
    expect([response.status, await codeOf(response)]).toEqual([504, "function_timeout"]);
    const again = await ask("hangs");
    expect(again.headers.get("x-reactor-cold-start")).toBe("false");
  });

  test("that loops is 504, its neighbour 502 with the reason, and a new instance serves", async () => {
    expect((await ask("loops")).status).toBe(200);
    const looping = ask("loops/loop");
    const neighbour = ask("loops/wait");
    const loop = await looping;
    expect([loop.status, await codeOf(loop)]).toEqual([504, "function_timeout"]);
    const beside = await neighbour;
    expect([502, 504]).toContain(beside.status);
    const next = await ask("loops");
    expect([next.status, await next.text()]).toEqual([200, "fine"]);
    expect(next.headers.get("x-reactor-cold-start")).toBe("true");
  });

  test("that exits is function_crashed with the typed exit", async () => {
    const response = await ask("exits");
    const { error } = (await response.json()) as ErrorEnvelope;
    expect(error).toMatchObject({
      code: "function_crashed",
      status: 500,
      details: { exit: { reason: "exited", code: 3 } },
    });
  });

  test("that sets a header with CRLF gets an error, and no header of it leaves", async () => {
    const response = await ask("crlf");
    expect([500, 502]).toContain(response.status);
    expect(response.headers.get("set-cookie")).toBeNull();
  });

  test("that streams for several times its timeout while healthy is not cut", async () => {
    const response = await ask("streams");
    expect(await response.text()).toBe(
      Array.from({ length: 10 }, (_, i) => `data: ${i}\n\n`).join(""),
    );
  });

  test("that returns 100 MB is refused or cut, never passed on whole", async () => {
    const response = await ask("huge");
    if (response.status === 500) expect(await codeOf(response)).toBe("response_too_large");
    else expect(await response.arrayBuffer().catch(() => "cut")).toBe("cut");
  });

  test("keeps each Set-Cookie and an empty status", async () => {
    const response = await ask("cookies");
    expect(response.status).toBe(204);
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  });

  test("hears that its client left", async () => {
    const socket = connect(port(), "127.0.0.1");
    socket.write("GET /fn/v1/leaves HTTP/1.1\r\nHost: a\r\n\r\n");
    await logged("waiting");
    socket.destroy();
    await logged("aborted");
  });

  test("answers a burst of first requests without an error", async () => {
    const statuses = await Promise.all(
      Array.from({ length: 40 }, async () => (await ask("cookies@1")).status),
    );
    expect(statuses.every((status) => status === 204)).toBe(true);
  });

  test("is promoted under load without a failed request and without an old answer afterwards", async () => {
    const versioned = functions.find((plan) => plan.name === "versioned");
    if (versioned === undefined) throw new Error("versioned is missing");
    const state = { applied: false, stop: false };
    const late: string[] = [];
    const failed: number[] = [];
    const worker = async (): Promise<void> => {
      while (!state.stop) {
        const afterApply = state.applied;
        const response = await ask("versioned");
        const text = await response.text();
        if (response.status !== 200) failed.push(response.status);
        if (afterApply) late.push(text);
      }
    };
    const workers = Array.from({ length: 8 }, worker);
    await systemClock.sleep(100);
    const target = { revision: 2, weight: 100, deploymentId: "dep_versioned_2" };
    functions = functions.map((plan) =>
      plan === versioned ? { ...plan, aliases: new Map([["production", [target]]]) } : plan,
    );
    serving.apply(testPlan(functions));
    state.applied = true;
    while (late.length < 50) await systemClock.sleep(10);
    state.stop = true;
    await Promise.all(workers);
    expect(failed).toEqual([]);
    expect(new Set(late)).toEqual(new Set(["2"]));
  });
});
