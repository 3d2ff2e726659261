import { afterEach, describe, expect, test } from "bun:test";
import type { FunctionChanges } from "../serving/plan-builder.harness.ts";
import type { ScriptedCall } from "../serving/scripted-driver.harness.ts";
import { GatewayBench } from "./gateway.harness.ts";
import type { GatewaySettings } from "./gateway-settings.ts";

const open: GatewayBench[] = [];

async function gateway(
  functions: readonly FunctionChanges[] = [{}],
  settings: Partial<GatewaySettings> = {},
): Promise<GatewayBench> {
  const keys = { rk_good: { scopes: ["functions:hello:invoke"] }, rk_poor: { scopes: [] } };
  const bench = await GatewayBench.open(functions, { settings, keys });
  open.push(bench);
  bench.driver.handler = mirror;
  return bench;
}

afterEach(async () => {
  for (const bench of open.splice(0)) await bench.close();
});

let lastCall: ScriptedCall | undefined;

/** Answers with the body it got. */
function mirror(call: ScriptedCall): void {
  lastCall = call;
  const answer = (): void => call.respond(200, ["content-type", "application/json"], call.body);
  if (call.bodyEnded) answer();
  else call.onBody = answer;
}

const json = { "content-type": "application/json" };

function invoke(bench: GatewayBench, id: string, init: RequestInit = {}): Promise<Response> {
  return bench.fetch(`/invoke/${id}`, { method: "POST", headers: json, ...init });
}

async function told(response: Response): Promise<string> {
  expect(response.headers.get("content-type")).toBe("application/json");
  const body = (await response.json()) as Record<string, unknown>;
  expect(Object.keys(body)).toEqual(["error"]);
  return `${response.status} ${String(body["error"])}`;
}

describe("POST /invoke/{id}", () => {
  test("hands the JSON over and answers with the platform's headers", async () => {
    const bench = await gateway();
    const response = await invoke(bench, "hello?x=1", { body: '{"name":"you"}' });
    expect(await response.text()).toBe('{"name":"you"}');
    expect(response.headers.get("x-reactor-function")).toBe("hello@1");
    expect(response.headers.get("x-request-id")).toMatch(/^inv_/);
    expect(lastCall?.head.url).toBe(`http://127.0.0.1:${bench.port}/?x=1`);
    expect(lastCall?.header("x-forwarded-prefix")).toBe("/invoke/hello");
  });

  test("without a body hands over an empty object", async () => {
    const bench = await gateway();
    expect(await (await invoke(bench, "hello")).text()).toBe("{}");
    expect(await (await invoke(bench, "hello", { headers: {} })).text()).toBe("{}");
    const chunked = new Response("").body;
    expect(await (await invoke(bench, "hello", { body: chunked })).text()).toBe("{}");
  });

  test("takes a body of any length and framing within the limit", async () => {
    const bench = await gateway([{ manifest: { limits: { bodyInBytesMax: 300_000 } } }]);
    const long = JSON.stringify("x".repeat(250_000));
    expect(await (await invoke(bench, "hello", { body: long })).text()).toBe(long);
    const pieces = new Blob([long]).stream();
    expect(await (await invoke(bench, "hello", { body: pieces })).text()).toBe(long);
    const tooLong = JSON.stringify("x".repeat(300_000));
    expect(await told(await invoke(bench, "hello", { body: tooLong }))).toMatch(/^413 .*300000/);
    const endless = new Blob([tooLong]).stream();
    expect(await told(await invoke(bench, "hello", { body: endless }))).toMatch(/^413 .*300000/);
  });

  test("refuses what is no JSON, and what the guest would not take as JSON", async () => {
    const bench = await gateway();
    for (const body of ["{", " ", "undefined", '{"a":1}x', '{"__proto__":{"admin":true}}']) {
      expect(await told(await invoke(bench, "hello", { body }))).toMatch(/^400 .*not valid JSON/);
    }
    const latin1 = Buffer.from([0x22, 0xe9, 0x22]);
    expect(await told(await invoke(bench, "hello", { body: latin1 }))).toMatch(/^400 .*UTF-8/);
    expect(bench.driver.instances).toEqual([]);
  });

  test("takes application/json only", async () => {
    const bench = await gateway();
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"]) {
      const headers = { "content-type": type };
      expect(await told(await invoke(bench, "hello", { headers, body: "{}" }))).toMatch(
        /^415 .*send application\/json/,
      );
    }
    const headers = { "content-type": "Application/JSON; charset=utf-8" };
    expect((await invoke(bench, "hello", { headers, body: "{}" })).status).toBe(200);
  });

  test("by another method is 405 with Allow", async () => {
    const bench = await gateway();
    for (const method of ["GET", "PUT", "DELETE"]) {
      const response = await invoke(bench, "hello", { method });
      expect(response.headers.get("allow")).toBe("POST");
      expect(await told(response)).toMatch(/^405 /);
    }
  });

  test("of a hostile or unknown id is 404 with the id as it was written", async () => {
    const bench = await gateway();
    const ids = ["nope", "", "_admin", "%5fadmin", "hel%6co", "hello/", "hello/x", "hello%00"];
    for (const id of [...ids, "HELLO", "__proto__", "constructor", "hello@9", "hello@"]) {
      expect(await told(await invoke(bench, id))).toBe(`404 Script not found: ${id}`);
    }
    const raw = await bench.send(
      "POST /invoke/../hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
    expect(raw).toContain("404");
    expect(raw).toContain("Script not found: ../hello");
    const long = await told(await invoke(bench, "x".repeat(2000)));
    expect(long).toBe(`404 Script not found: ${"x".repeat(100)}`);
  });

  test("of a function that has nothing promoted is 404, of a disabled one 503", async () => {
    const bench = await gateway([{ aliases: {} }, { name: "off", enabled: false }]);
    expect(await told(await invoke(bench, "hello"))).toBe("404 Script not found: hello");
    expect(await told(await invoke(bench, "off"))).toMatch(/^503 .*disabled/);
  });

  test("wants a key with the right unless the function is public", async () => {
    const bench = await gateway([{ manifest: { access: undefined } }]);
    const refused = await invoke(bench, "hello", { body: "{}" });
    expect(refused.headers.get("www-authenticate")).toContain("Bearer");
    expect(await told(refused)).toMatch(/^401 /);
    const withKey = (key: string) =>
      invoke(bench, "hello", { headers: { ...json, authorization: `Bearer ${key}` }, body: "{}" });
    expect(await told(await withKey("rk_bad"))).toMatch(/^401 /);
    expect(await told(await withKey("rk_poor"))).toMatch(/^403 .*functions:hello:invoke/);
    expect((await withKey("rk_good")).status).toBe(200);
  });

  test("checks Host and Origin whatever the access and the mode", async () => {
    for (const mode of ["serve", "dev"] as const) {
      const bench = await gateway([{}], { mode, hosts: ["fn.example.com"] });
      const from = (headers: Record<string, string>) =>
        invoke(bench, "hello", { headers: { ...json, ...headers }, body: "{}" });
      expect(await told(await from({ host: "evil.example" }))).toMatch(/^403 .*evil/);
      expect(await told(await from({ origin: "https://evil.example" }))).toMatch(/^403 .*evil/);
      expect(await told(await from({ origin: "null" }))).toMatch(/^403 /);
      expect(await told(await from({ "sec-fetch-site": "cross-site" }))).toMatch(/^403 /);
      // A development server has local names only.
      const named = await from({ host: "fn.example.com" });
      expect(named.status).toBe(mode === "serve" ? 200 : 403);
      const own = { origin: `http://127.0.0.1:${bench.port}` };
      expect((await from(own)).status).toBe(200);
    }
  });

  test("on a function's own host belongs to the function", async () => {
    const bench = await gateway();
    const headers = { host: "hello.fn.localhost", ...json };
    const response = await invoke(bench, "other", { headers, body: "[1]" });
    expect(await response.text()).toBe("[1]");
    expect(lastCall?.head.url).toContain("/invoke/other");
  });
});

describe("errors of /invoke/{id}", () => {
  test("name the real limit of a timeout, with 504", async () => {
    for (const [timeoutMs, said] of [
      [30_000, "30s"],
      [1500, "1.5s"],
      [200, "0.2s"],
    ] as const) {
      const bench = await gateway([{ manifest: { limits: { timeoutMs } } }]);
      const called = Promise.withResolvers<ScriptedCall>();
      bench.driver.handler = called.resolve;
      const asked = invoke(bench, "hello", { body: "{}" });
      await called.promise;
      await bench.serving.clock.advance(timeoutMs + 1000);
      expect(await told(await asked)).toBe(`504 Execution timeout (${said})`);
    }
  });

  test("of a handler are its message, of the platform 500", async () => {
    const bench = await gateway();
    bench.driver.handler = (call) => call.fail({ kind: "threw", message: "boom", stack: "at x" });
    expect(await told(await invoke(bench, "hello", { body: "{}" }))).toBe("500 boom");
    bench.driver.handler = (call) =>
      call.fail({ kind: "exited", exit: { reason: "stopped", because: "deleted" } });
    const stopped = await told(await invoke(bench, "hello", { body: "{}" }));
    expect(stopped).toMatch(/^500 .*was stopped because the function was deleted/);
  });

  test("of a full queue are 429 with Retry-After", async () => {
    const bench = await gateway([{ manifest: { concurrency: { maxConcurrency: 1, queueMs: 0 } } }]);
    const called = Promise.withResolvers<ScriptedCall>();
    bench.driver.handler = called.resolve;
    const first = invoke(bench, "hello", { body: "{}" });
    const call = await called.promise;
    const response = await invoke(bench, "hello", { body: "{}" });
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await told(response)).toMatch(/^429 /);
    call.respond(200, [], "1");
    expect(await (await first).text()).toBe("1");
  });
});
