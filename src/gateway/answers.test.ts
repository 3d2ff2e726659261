import { afterEach, describe, expect, test } from "bun:test";
import type { ErrorEnvelope } from "../domain/errors.ts";
import type { ApiKeyPlan, FunctionPlan } from "../domain/plan.ts";
import type { FunctionChanges } from "../serving/plan-builder.harness.ts";
import type { ScriptedCall } from "../serving/scripted-driver.harness.ts";
import { GatewayBench } from "./gateway.harness.ts";
import type { GatewaySettings } from "./gateway-settings.ts";

const open: GatewayBench[] = [];

async function gateway(
  functions: readonly (FunctionPlan | FunctionChanges)[] = [{}],
  options: {
    settings?: Partial<GatewaySettings>;
    keys?: Readonly<Record<string, Partial<ApiKeyPlan>>>;
  } = {},
): Promise<GatewayBench> {
  const bench = await GatewayBench.open(functions, options);
  open.push(bench);
  return bench;
}

afterEach(async () => {
  for (const bench of open.splice(0)) await bench.close();
});

async function errorOf(response: Response): Promise<ErrorEnvelope["error"]> {
  expect(response.headers.get("content-type")).toBe("application/json");
  return ((await response.json()) as ErrorEnvelope).error;
}

/** Answers with what the function saw. */
function mirror(call: ScriptedCall): void {
  const answer = (): void => {
    const { method, url, headers } = call.head;
    const body = JSON.stringify({
      method,
      url,
      headers,
      body: call.body,
      caller: call.head.caller,
    });
    call.respond(200, ["content-type", "application/json"], body);
  };
  if (call.bodyEnded) answer();
  else call.onBody = answer;
}

describe("answers", () => {
  test("carry the platform's headers; the first is cold and the next is not", async () => {
    const bench = await gateway();
    const first = await bench.fetch("/fn/v1/hello");
    expect(first.headers.get("x-reactor-function")).toBe("hello@1");
    expect(first.headers.get("x-reactor-cold-start")).toBe("true");
    expect(first.headers.get("x-reactor-duration-ms")).toMatch(/^\d+$/);
    expect(first.headers.get("server-timing")).toMatch(
      /^queue;dur=[\d.]+, start;dur=[\d.]+, handler;dur=[\d.]+$/,
    );
    expect(first.headers.get("x-request-id")).toStartWith("inv_");
    const second = await bench.fetch("/fn/v1/hello");
    expect(second.headers.get("x-reactor-cold-start")).toBe("false");
  });

  test("errors of an invocation carry them too, with the details of the invocation", async () => {
    const bench = await gateway();
    bench.driver.handler = (call) =>
      call.fail({ kind: "threw", message: "boom", stack: "at secret.ts" });
    const response = await bench.fetch("/fn/v1/hello");
    expect(response.headers.get("x-reactor-function")).toBe("hello@1");
    const error = await errorOf(response);
    expect(error).toMatchObject({ code: "function_error", message: "boom", status: 500 });
    expect(error.details).toEqual({
      function: "hello",
      deployment_id: "dep_hello_1",
      duration_ms: 0,
    });
    expect(error.request_id).toBe(response.headers.get("x-request-id") ?? "");
  });

  test("a stack is for dev mode and for keys that may read the logs", async () => {
    const keys = {
      rk_logs: { scopes: ["functions:hello:*"] },
      rk_invoke: { scopes: ["functions:hello:invoke"] },
    };
    const details = async (bench: GatewayBench, token: string): Promise<unknown> => {
      bench.driver.handler = (call) =>
        call.fail({ kind: "threw", message: "boom", stack: "at x.ts" });
      const response = await bench.fetch("/fn/v1/hello", { headers: { "x-reactor-key": token } });
      return (await errorOf(response)).details["stack"];
    };
    const serve = await gateway([{ manifest: { access: "key" } }], { keys });
    expect(await details(serve, "rk_logs")).toBe("at x.ts");
    expect(await details(serve, "rk_invoke")).toBeUndefined();
    expect(await details(await gateway([{}], { settings: { mode: "dev" } }), "")).toBe("at x.ts");
  });

  test("a crash has its typed exit; a start-up log is shown like a stack", async () => {
    const bench = await gateway([{}, { name: "broken" }]);
    bench.driver.handler = (call) =>
      call.fail({ kind: "exited", exit: { reason: "memory", limitMb: 128, peakMb: 131 } });
    const crashed = await errorOf(await bench.fetch("/fn/v1/hello"));
    expect(crashed).toMatchObject({
      code: "function_crashed",
      details: { exit: { reason: "memory", limit_mb: 128, peak_mb: 131 } },
    });
    bench.driver.startFailure = { exit: { reason: "exited", code: 3 }, log: "secret path" };
    const failed = await errorOf(await bench.fetch("/fn/v1/broken"));
    expect(failed).toMatchObject({ code: "cold_start_failed", status: 503 });
    expect(JSON.stringify(failed)).not.toContain("secret path");
  });

  test("a header with CRLF from the function is runtime_error, and nothing of it leaves", async () => {
    const bench = await gateway();
    bench.driver.handler = (call) => call.respond(200, ["x-a", "1\r\nset-cookie: evil=1"], "body");
    const text = await bench.send(
      "GET /fn/v1/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    expect(text).toStartWith("HTTP/1.1 502 ");
    expect(text).toContain("runtime_error");
    expect(text.toLowerCase()).not.toContain("set-cookie");
    expect(text.split("HTTP/1.1").length).toBe(2);
  });

  test("a status that is none is runtime_error", async () => {
    const bench = await gateway();
    for (const status of [100, 101, 199, 600, 999]) {
      bench.driver.handler = (call) => call.respond(status, [], "");
      expect((await errorOf(await bench.fetch("/fn/v1/hello"))).code).toBe("runtime_error");
    }
  });

  test("every Set-Cookie is a header of its own", async () => {
    const bench = await gateway();
    bench.driver.handler = (call) =>
      call.respond(200, ["set-cookie", "a=1", "set-cookie", "b=2"], "");
    expect((await bench.fetch("/fn/v1/hello")).headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  });

  test("what came whole leaves in one piece with its length, an empty body included", async () => {
    const bench = await gateway();
    bench.driver.handler = (call) => call.respond(200, ["content-type", "text/plain"], "12345");
    const full = await bench.send(
      "GET /fn/v1/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    expect(full.toLowerCase()).toContain("content-length: 5\r\n");
    expect(full.toLowerCase()).not.toContain("transfer-encoding");
    expect(full).toEndWith("\r\n\r\n12345");
    bench.driver.handler = (call) => call.respond(404, [], "");
    const empty = await bench.send(
      "GET /fn/v1/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    expect(empty.toLowerCase()).toContain("content-length: 0\r\n");
  });

  test("HEAD has the length and no body; 204 and 304 have neither", async () => {
    const bench = await gateway();
    bench.driver.handler = (call) =>
      call.respond(200, ["content-length", "5"], call.head.method === "HEAD" ? "" : "12345");
    const head = await bench.send(
      "HEAD /fn/v1/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    expect(head.toLowerCase()).toContain("content-length: 5\r\n");
    expect(head).toEndWith("\r\n\r\n");
    for (const status of [204, 304]) {
      bench.driver.handler = (call) => call.respond(status, [], "");
      const text = await bench.send(
        "GET /fn/v1/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
      );
      expect(text).toStartWith(`HTTP/1.1 ${status} `);
      expect(text).toEndWith("\r\n\r\n");
    }
  });

  test("OPTIONS and unusual methods reach the function", async () => {
    const bench = await gateway();
    bench.driver.handler = mirror;
    for (const method of ["OPTIONS", "DELETE", "PATCH", "PROPFIND"]) {
      const text = await bench.send(
        `${method} /fn/v1/hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      );
      expect(text).toContain(`"method":"${method}"`);
    }
  });

  test("health, the fallback and requests on one connection one after another", async () => {
    const bench = await gateway();
    expect(await (await bench.fetch("/fn/v1/health")).json()).toEqual({
      status: "ok",
      version: "1",
      runtimes: ["bun"],
    });
    const client = await bench.raw();
    client.write("GET /fn/v1/hello HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.until("ok");
    client.write("GET /api/v1/x HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.until("fallback /api/v1/x");
    client.write("GET /fn/v1/_admin/functions HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.until("fallback /fn/v1/_admin/functions");
    expect(client.text.split("HTTP/1.1 ").length).toBe(4);
    client.destroy();
  });

  test("a refusal is counted by its code", async () => {
    const bench = await gateway([]);
    await bench.fetch("/fn/v1/a");
    await bench.fetch("/fn/v1/b");
    expect(bench.gateway.refusals.byCode.get("function_not_found")).toBe(2);
  });
});

describe("origins", () => {
  test("HTML on a shared host is sandboxed, and on its own host it is free", async () => {
    const bench = await gateway();
    bench.driver.handler = (call) => call.respond(200, ["content-type", "text/html"], "<p>");
    const shared = await bench.fetch("/fn/v1/hello");
    expect(shared.headers.get("content-security-policy")).toContain("sandbox");
    const own = await bench.fetch("/", { headers: { host: "hello.fn.localhost" } });
    expect(own.headers.get("content-security-policy")).toBeNull();
  });

  test("a service worker is refused on a shared host only", async () => {
    const bench = await gateway();
    const headers = { "service-worker": "script" };
    expect((await bench.fetch("/fn/v1/hello", { headers })).status).toBe(403);
    const own = await bench.fetch("/", { headers: { ...headers, host: "hello.fn.localhost" } });
    expect(own.status).toBe(200);
  });
});
