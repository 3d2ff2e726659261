import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { refusal } from "../../control/testing/refusal.ts";
import { filesUpload, ready, ref, TestPlane } from "../../control/testing/test-plane.ts";
import { ReactorError } from "../../domain/errors.ts";
import { type AdminServer, startAdminServer } from "../testing/admin-server.ts";
import { rawRequest } from "../testing/raw-request.ts";

let plane: TestPlane;
let server: AdminServer;
let key: string;

beforeEach(async () => {
  plane = await TestPlane.open();
  server = await startAdminServer(plane.plane, {
    loads: () =>
      new Map(
        [...plane.plan.functions.values()].map(({ functionId }) => [
          functionId,
          { instances: 1, running: 2, invocations: 4, errors: 1, durationMs: 10 },
        ]),
      ),
  });
  key = await makeKey(["*"]);
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  await plane[Symbol.asyncDispose]();
});

async function makeKey(scopes: readonly string[]): Promise<string> {
  const wanted = { project: "*", name: "test", scopes, expiresAtMs: undefined };
  return (await plane.run("keys.create", wanted)).key;
}

interface Sent {
  readonly body?: BodyInit;
  readonly headers?: Record<string, string>;
}

/** Sends a request with the key and a JSON type unless told otherwise. */
function send(method: string, path: string, { body, headers }: Sent = {}): Promise<Response> {
  const type: Record<string, string> =
    body === undefined ? {} : { "content-type": "application/json" };
  return fetch(server.url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...type, ...headers },
    ...(body === undefined ? {} : { body }),
  });
}

function deploy(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return send("POST", "/deploy", { body: JSON.stringify(body), headers });
}

const code = "function handler(data) { return data; }";

/** Status and text of an `{ error }`. */
async function told(response: Response): Promise<string> {
  const body = (await response.json()) as Record<string, unknown>;
  expect(Object.keys(body)).toEqual(["error"]);
  return `${response.status} ${String(body["error"])}`;
}

describe("POST /deploy", () => {
  test("creates a worker of one instance that stays, and promotes it", async () => {
    const response = await deploy({ id: "hello", code });
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({ id: "hello", url: `${server.url}/invoke/hello` });
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    const deployed = plane.plan.functions.get("default:hello")?.deployments.get(1)?.manifest;
    expect(deployed).toMatchObject({ runtime: "deno", isolation: "worker", access: undefined });
    expect(deployed?.concurrency).toMatchObject({ minInstances: 1, maxInstances: 1 });
    expect(plane.plan.functions.get("default:hello")?.aliases.has("production")).toBe(true);
  });

  test("of the same id is the next revision, and a broken one leaves the old one", async () => {
    await deploy({ id: "hello", code });
    plane.materialize = () => Promise.reject(new ReactorError("cold_start_failed", "it broke"));
    expect(await told(await deploy({ id: "hello", code: "x" }))).toBe("500 it broke");
    const revision = () =>
      plane.plan.functions.get("default:hello")?.aliases.get("production")?.[0]?.revision;
    expect(revision()).toBe(1);
    plane.materialize = ready;
    expect((await deploy({ id: "hello", code })).status).toBe(201);
    expect(revision()).toBe(3);
  });

  test("says that the handler is missing as the family does, and where other code is wrong", async () => {
    const fail = (failure: ReactorError) => () => Promise.reject(failure);
    const message = "Cannot materialize: could not load its module: No handler found: the module …";
    plane.materialize = fail(new ReactorError("cold_start_failed", message));
    expect(await told(await deploy({ id: "a", code }))).toBe("500 No handler function exported");
    const details = { log: "index.ts:1:3: ERROR: Unexpected" };
    plane.prepare = fail(new ReactorError("bundle_invalid", "Cannot build", { details }));
    expect(await told(await deploy({ id: "a", code }))).toBe(
      "500 Cannot build\nindex.ts:1:3: ERROR: Unexpected",
    );
  });

  test("at once with the same id loses none of them", async () => {
    const codes = Array.from({ length: 6 }, (_, n) => `${code} // ${n}`);
    const answers = await Promise.all(codes.map((one) => deploy({ id: "hello", code: one })));
    expect(answers.map(({ status }) => status)).toEqual(codes.map(() => 201));
    const { items } = await plane.run("deployments.list", {
      ...ref("hello"),
      limit: 20,
      cursor: undefined,
    });
    expect(items.map(({ revision }) => revision)).toEqual([6, 5, 4, 3, 2, 1]);
    expect(new Set(items.map(({ bundleSha256 }) => bundleSha256)).size).toBe(6);
  });

  test("refuses ids that are no function names", async () => {
    const ids = ["", "..", "../x", "_admin", "%5fadmin", "Hello", "häl", "a/b", "a b", "a\u0000"];
    for (const id of [...ids, "x".repeat(64), "health", "__proto__", "hello@1", "p:hello"]) {
      expect(await told(await deploy({ id, code }))).toMatch(/^400 Cannot use .* function name/);
    }
    expect(plane.plan.functions.size).toBe(0);
  });

  test("refuses a name that another kind of function has", async () => {
    await plane.create("taken");
    expect(await told(await deploy({ id: "taken", code }))).toMatch(/^409 .*is no worker/);
  });

  test("refuses a body that is not exactly { id, code }", async () => {
    const bodies = [
      "",
      "{",
      "null",
      "[]",
      '"x"',
      "{}",
      '{"id":"a"}',
      '{"id":"a","code":""}',
      '{"id":"a","code":7}',
      '{"id":7,"code":"x"}',
      '{"id":"a","code":"x","more":1}',
      '{"id":"a","id":"b","code":"x"}',
      '{"id":"a","code":"x","__proto__":{"isAdmin":true}}',
    ];
    for (const body of bodies) {
      expect(await told(await send("POST", "/deploy", { body }))).toMatch(/^400 /);
    }
    expect(Object.hasOwn(Object.prototype, "isAdmin")).toBe(false);
    const bytes = Buffer.from([0x7b, 0xff, 0x7d]);
    expect(await told(await send("POST", "/deploy", { body: bytes }))).toMatch(/^400 .*UTF-8/);
    expect(plane.plan.functions.size).toBe(0);
  });

  test("refuses code over the limit, announced or not", async () => {
    const huge = JSON.stringify({ id: "a", code: "x".repeat(250_000) });
    expect(await told(await send("POST", "/deploy", { body: huge }))).toMatch(/^413 /);
    const streamed = new Blob([huge]).stream();
    expect(await told(await send("POST", "/deploy", { body: streamed }))).toMatch(/^413 /);
  });

  test("takes application/json only", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/ld+json"]) {
      const response = await deploy({ id: "a", code }, { "content-type": type });
      expect(await told(response)).toMatch(/^415 .*application\/json/);
    }
  });
});

describe("DELETE /delete/{id}", () => {
  test("deletes a script, and a later deploy revives it as the next revision", async () => {
    await deploy({ id: "hello", code });
    const response = await send("DELETE", "/delete/hello");
    expect([response.status, await response.json()]).toEqual([
      200,
      { status: "deleted", id: "hello" },
    ]);
    expect(plane.plan.functions.size).toBe(0);
    expect(await told(await send("DELETE", "/delete/hello"))).toBe("404 Script not found: hello");
    expect((await deploy({ id: "hello", code })).status).toBe(201);
    const revived = plane.plan.functions.get("default:hello");
    expect(revived?.aliases.get("production")).toMatchObject([{ revision: 2 }]);
  });

  test("of an unknown or hostile id is 404 with the id as it was written", async () => {
    await deploy({ id: "hello", code });
    for (const id of ["nope", "_admin", "%5fadmin", "hell%6f", "hello/", "hello/x", "__proto__"]) {
      expect(await told(await send("DELETE", `/delete/${id}`))).toBe(`404 Script not found: ${id}`);
    }
    const raw = await rawRequest(server.port, [
      `DELETE /delete/../delete/hello HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\nConnection: close\r\n\r\n`,
    ]);
    expect(raw).toContain("Script not found: ../delete/hello");
    expect(plane.plan.functions.has("default:hello")).toBe(true);
  });

  test("leaves functions of another kind alone", async () => {
    await plane.create("mine");
    expect(await told(await send("DELETE", "/delete/mine"))).toBe("404 Script not found: mine");
    expect(await plane.run("functions.get", ref("mine"))).toMatchObject({ name: "mine" });
  });
});

describe("reports", () => {
  test("list the scripts and nothing else", async () => {
    await deploy({ id: "two", code });
    await deploy({ id: "one", code });
    await plane.deploy("plain", undefined, { createFunction: true, promote: true });
    await plane.run("functions.update", { ...ref("two"), enabled: false });
    expect(await (await send("GET", "/scripts")).json()).toEqual({
      scripts: [
        { id: "one", url: `${server.url}/invoke/one`, revision: 1, status: "ready" },
        { id: "two", url: `${server.url}/invoke/two`, revision: 1, status: "disabled" },
      ],
    });
  });

  test("count in all and each", async () => {
    await deploy({ id: "one", code });
    await deploy({ id: "two", code });
    const each = { workers: 1, running: 2, invocations: 4, errors: 1, averageMs: 2.5 };
    expect(await (await send("GET", "/stats")).json()).toEqual({
      scripts: 2,
      workers: 2,
      running: 4,
      invocations: 8,
      errors: 2,
      byScript: { one: each, two: each },
    });
  });

  test("say to anybody that the server works, and no more", async () => {
    const response = await fetch(`${server.url}/health`);
    expect(await response.json()).toEqual({ status: "ok", version: "0.1.0" });
  });
});

describe("access", () => {
  const changes = [
    ["POST", "/deploy"],
    ["DELETE", "/delete/hello"],
    ["GET", "/scripts"],
    ["GET", "/stats"],
  ] as const;

  test("wants a key everywhere but at /health", async () => {
    for (const [method, path] of changes) {
      const headers = { "content-type": "application/json" };
      const body = method === "POST" ? JSON.stringify({ id: "hello", code }) : null;
      const response = await fetch(server.url + path, { method, headers, body });
      expect(response.headers.get("www-authenticate")).toContain("Bearer");
      expect(await told(response)).toMatch(/^401 /);
    }
    expect(plane.plan.functions.size).toBe(0);
  });

  test("needs the right scopes", async () => {
    await deploy({ id: "hello", code });
    key = await makeKey(["functions:hello:invoke"]);
    expect(await told(await deploy({ id: "hello", code }))).toMatch(
      /^403 .*functions:hello:deploy/,
    );
    expect(await told(await send("DELETE", "/delete/hello"))).toMatch(/^403 /);
    expect((await (await send("GET", "/stats")).json()).scripts).toBe(1);
    key = await makeKey(["functions:other:*"]);
    expect(await told(await deploy({ id: "other", code }))).toMatch(/^403 .*functions:create/);
    expect((await (await send("GET", "/scripts")).json()).scripts).toEqual([]);
  });

  test("is never given to a page of another site, or to a name that is not the server's", async () => {
    for (const [method, path] of [...changes, ["GET", "/health"] as const]) {
      const body = method === "POST" ? { body: JSON.stringify({ id: "hello", code }) } : {};
      for (const headers of [
        { host: "rebound.example" },
        { origin: "https://evil.example" },
        { origin: "null" },
        { "sec-fetch-site": "cross-site" },
        { "sec-fetch-site": "same-site" },
      ]) {
        expect(await told(await send(method, path, { ...body, headers }))).toMatch(/^403 /);
      }
    }
    expect(plane.plan.functions.size).toBe(0);
  });

  test("of a project is its own", async () => {
    const headers = { "x-reactor-project": "nowhere" };
    expect(await told(await send("GET", "/scripts", { headers }))).toMatch(/^404 .*nowhere/);
    const odd = { "x-reactor-project": "../x" };
    expect(await told(await send("GET", "/scripts", { headers: odd }))).toMatch(/^400 /);
  });

  test("by another method is 405 with Allow", async () => {
    for (const [method, path, allow] of [
      ["GET", "/deploy", "POST"],
      ["POST", "/delete/hello", "DELETE"],
      ["DELETE", "/scripts", "GET"],
      ["POST", "/health", "GET"],
    ] as const) {
      const response = await send(method, path);
      expect(response.headers.get("allow")).toBe(allow);
      expect(await told(response)).toMatch(/^405 /);
    }
  });
});

test("a script that is deleted while it is deployed is not back afterwards", async () => {
  await deploy({ id: "hello", code });
  plane.materialize = async (...asked) => {
    await plane.run("functions.delete", ref("hello"));
    return ready(...asked);
  };
  expect(await told(await deploy({ id: "hello", code }))).toMatch(/^(409|500) .*deleted meanwhile/);
  const again = plane.run("deployments.create", {
    ...ref("hello"),
    upload: filesUpload({ "index.ts": code }),
    bundleSha256: undefined,
    promote: true,
  });
  expect((await refusal(again)).code).toBe("function_not_found");
});
