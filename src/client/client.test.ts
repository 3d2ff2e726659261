import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { unzipSync } from "fflate";
import { type AdminServer, startAdminServer } from "../admin/testing/admin-server.ts";
import {
  adminKey,
  createRecordingControl,
  type RecordingControl,
} from "../admin/testing/recording-control.ts";
import { bundleDigest } from "../domain/bundle-digest.ts";
import { ReactorError } from "../domain/errors.ts";
import { createClient, type ReactorClient } from "./client.ts";
import { ClientError } from "./client-error.ts";

let control: RecordingControl;
let server: AdminServer;
let client: ReactorClient;
beforeAll(async () => {
  control = createRecordingControl();
  server = await startAdminServer(control);
  client = createClient({ url: `${server.url}/`, key: adminKey });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  control.calls.length = 0;
});

/** The error a call ends with. */
async function errorOf(call: Promise<unknown>): Promise<ClientError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ClientError) return error;
    throw error;
  }
  throw new Error("the call succeeded");
}

const ref = { project: "default", function: "hello" };
const when = new Date("2026-12-01T00:00:00Z");

/** Each call, the command it must become, and a part of what it must resolve with. */
const calls: readonly [string, () => Promise<unknown>, string, unknown, unknown][] = [
  [
    "createFunction",
    () => client.createFunction({ name: "hello", runtime: "javascript", isolation: "process" }),
    "functions.create",
    { project: "default", name: "hello", runtime: "bun", isolation: "process" },
    { name: "hello" },
  ],
  [
    "listFunctions",
    () => client.listFunctions({ limit: 3, cursor: "c" }),
    "functions.list",
    { project: "default", limit: 3, cursor: "c" },
    { items: [{ name: "hello" }], next_cursor: "hello" },
  ],
  ["getFunction", () => client.getFunction("hello"), "functions.get", ref, { id: "fn_1" }],
  [
    "updateFunction",
    () => client.updateFunction("hello", { enabled: false }),
    "functions.update",
    { ...ref, enabled: false },
    { enabled: false },
  ],
  ["deleteFunction", () => client.deleteFunction("hello"), "functions.delete", ref, { id: "fn_1" }],
  ["restoreFunction", () => client.restoreFunction("hello"), "functions.restore", ref, {}],
  [
    "listDeployments",
    () => client.listDeployments("hello", { limit: 1 }),
    "deployments.list",
    { ...ref, limit: 1, cursor: undefined },
    { items: [{ revision: 7 }] },
  ],
  [
    "getDeployment",
    () => client.getDeployment("hello", 7),
    "deployments.get",
    { ...ref, deployment: "7" },
    { id: "dep_1" },
  ],
  [
    "promote",
    () => client.promote("hello"),
    "functions.promote",
    { ...ref, deployment: undefined },
    { id: "dep_1" },
  ],
  [
    "rollback",
    () => client.rollback("hello", "dep_1"),
    "functions.rollback",
    { ...ref, deployment: "dep_1" },
    { id: "dep_1" },
  ],
  ["listAliases", () => client.listAliases("hello"), "aliases.list", ref, [{ name: "canary" }]],
  [
    "setAlias",
    () => client.setAlias("hello", "canary", [{ revision: 7, weight: 5 }]),
    "aliases.set",
    { ...ref, alias: "canary", targets: [{ revision: 7, weight: 5 }] },
    { name: "canary" },
  ],
  [
    "deleteAlias",
    () => client.deleteAlias("hello", "canary"),
    "aliases.delete",
    { ...ref, alias: "canary" },
    { alias: "canary" },
  ],
  ["listEnv", () => client.listEnv("hello"), "env.list", ref, [{ key: "B" }]],
  [
    "setEnv",
    () => client.setEnv("hello", { key: "A", value: "v", secret: true }),
    "env.set",
    { ...ref, key: "A", value: "v", secret: true },
    { key: "A", value: null },
  ],
  [
    "unsetEnv",
    () => client.unsetEnv("hello", "A"),
    "env.unset",
    { ...ref, key: "A" },
    { key: "A" },
  ],
  [
    "readLogs",
    () => client.readLogs("hello", { levels: ["warn", "error"], since: when, after: 2, limit: 9 }),
    "logs.read",
    {
      ...ref,
      afterSeq: 2,
      sinceMs: when.getTime(),
      levels: ["warn", "error"],
      requestId: undefined,
      limit: 9,
    },
    [{ seq: 1 }, { seq: 2 }],
  ],
  [
    "listInvocations",
    () => client.listInvocations({ function: "hello", requestId: "r", limit: 2 }),
    "invocations.list",
    { project: "default", function: "hello", requestId: "r", limit: 2 },
    [{ id: "inv_1" }],
  ],
  [
    "getInvocation",
    () => client.getInvocation("inv_1"),
    "invocations.get",
    { project: "default", id: "inv_1" },
    { status: 200 },
  ],
  [
    "createKey",
    () => client.createKey({ name: "ci", scopes: ["*"], expiresAt: when, allProjects: true }),
    "keys.create",
    { project: "*", name: "ci", scopes: ["*"], expiresAtMs: when.getTime() },
    { key: "rk_secret" },
  ],
  ["listKeys", () => client.listKeys(), "keys.list", { project: "default" }, [{ id: "key_1" }]],
  [
    "listKeys of all projects",
    () => client.listKeys({ allProjects: true }),
    "keys.list",
    { project: "*" },
    [{ id: "key_1" }],
  ],
  [
    "revokeKey",
    () => client.revokeKey("key_1"),
    "keys.revoke",
    { project: "default", id: "key_1" },
    { id: "key_1" },
  ],
  [
    "listAudit",
    () => client.listAudit(),
    "audit.list",
    { limit: 100, cursor: undefined },
    { items: [{ id: "aud_1" }] },
  ],
];

describe.each(calls)("%s()", (_name, call, command, input, output) => {
  test("becomes its command and resolves with the resource", async () => {
    expect(await call()).toMatchObject(output as object);
    expect(control.calls).toMatchObject([{ name: command, input }]);
  });

  test("throws control's failure as a typed error", async () => {
    control.failNext(
      new ReactorError("conflict", "Cannot do that: it is so", { details: { why: 1 } }),
    );
    const error = await errorOf(call());
    expect(error).toMatchObject({ code: "conflict", status: 409, details: { why: 1 } });
    expect(error.message).toBe("Cannot do that: it is so");
    expect(error.requestId).toMatch(/^req_/);
  });
});

describe("deploy()", () => {
  test("uploads a zip of the files with the server's own digest", async () => {
    const files = new Map([
      ["reactor.json", new TextEncoder().encode("{}")],
      ["code/index.ts", new TextEncoder().encode("export default 1")],
    ]);
    const deployment = await client.deploy("hello", { files, promote: true, createFunction: true });
    expect(deployment).toMatchObject({ id: "dep_1", status: "ready" });
    const input = control.calls[0]?.input as {
      upload: { kind: string; bytes: Uint8Array };
      bundleSha256: string;
    };
    expect(input).toMatchObject({ ...ref, promote: true, createFunction: true });
    expect(input.bundleSha256).toBe(bundleDigest(files));
    expect(new Map(Object.entries(unzipSync(input.upload.bytes)))).toEqual(files);
  });

  test("of a bundle that fits only when it is packed packs it", async () => {
    const files = new Map([["zeros", new Uint8Array(250_000)]]);
    const before = control.calls.length;
    expect((await client.deploy("hello", { files })).status).toBe("ready");
    const uploads = control.calls.slice(before).map(({ input }) => input) as {
      upload: { bytes: Uint8Array };
    }[];
    expect(uploads.map(({ upload }) => upload.bytes.length < 10_000)).toEqual([true]);
  });

  test("to this machine is not packed when it fits as it is", async () => {
    const files = new Map([["zeros", new Uint8Array(50_000)]]);
    const before = control.calls.length;
    await client.deploy("hello", { files });
    const input = control.calls[before]?.input as { upload?: { bytes: Uint8Array } } | undefined;
    expect(input?.upload?.bytes.length).toBeGreaterThan(50_000);
  });

  test("of a bundle over the limit throws bundle_too_large", async () => {
    const files = new Map([["noise", crypto.getRandomValues(new Uint8Array(60_000))]]);
    for (let i = 0; i < 4; i++) {
      files.set(`noise${i}`, crypto.getRandomValues(new Uint8Array(60_000)));
    }
    const error = await errorOf(client.deploy("hello", { files }));
    expect(error).toMatchObject({ code: "bundle_too_large", status: 413 });
  });
});

describe("each…()", () => {
  test("goes through page after page, and asks for no page that nobody needs", async () => {
    const first = await client.getFunction("hello");
    expect(first.id).toBe("fn_1");
    const view = { ...(await control.execute("functions.get", ref, systemLike)) };
    control.answer("functions.list", ({ cursor }) => {
      const at = cursor === undefined ? 0 : Number(cursor);
      return {
        items: [0, 1].map((i) => ({ ...view, name: `f${at + i}` })),
        nextCursor: at < 4 ? String(at + 2) : undefined,
      };
    });
    const names: string[] = [];
    for await (const { name } of client.eachFunction()) names.push(name);
    expect(names).toEqual(["f0", "f1", "f2", "f3", "f4", "f5"]);
    control.calls.length = 0;
    for await (const { name } of client.eachFunction()) if (name === "f1") break;
    expect(control.calls).toHaveLength(1);
  });
});

const systemLike = { kind: "system", id: "t", project: "*", scopes: ["*"] } as const;

describe("failures on the way", () => {
  test("of an aborted call are the reason of its signal", async () => {
    const reason = new Error("the user left");
    const options = { signal: AbortSignal.abort(reason) };
    for (const call of [
      () => client.getFunction("hello", options),
      () => client.deploy("hello", { files: new Map() }, options),
      () => client.invoke("hello", options),
    ]) {
      expect(await call().catch((error: unknown) => error)).toBe(reason);
    }
  });

  test("of a server that is not there are unreachable, with the URL and what helps", async () => {
    const gone = createServer();
    gone.listen(0, "127.0.0.1");
    await once(gone, "listening");
    const { port } = gone.address() as AddressInfo;
    gone.close();
    await once(gone, "close");
    const url = `http://127.0.0.1:${port}`;
    const error = await errorOf(createClient({ url }).health());
    expect(error).toMatchObject({ code: "unreachable", status: 0, details: { url } });
    expect(error.message).toContain(url);
    expect(error.message).toContain("reactor serve");
    expect((await errorOf(createClient({ url }).invoke("hello"))).code).toBe("unreachable");
  });

  test("of a server that is not Reactor are unexpected_response", async () => {
    for (const [status, type, body] of [
      [200, "text/html", "<html>"],
      [200, "application/json", ""],
      [502, "text/html", "<html>Bad gateway"],
      [404, "application/json", '{"message":"no"}'],
      [400, "application/json", '{"error":{"code":"constructor","message":"x"}}'],
    ] as const) {
      const other = createClient({
        url: "http://proxy.test",
        fetch: async () => new Response(body, { status, headers: { "Content-Type": type } }),
      });
      for (const call of [other.health(), other.deploy("a", { files: new Map() })]) {
        const error = await errorOf(call);
        expect(error.code).toBe("unexpected_response");
        expect(error.message).toContain("http://proxy.test");
      }
    }
  });

  test("keep Retry-After", async () => {
    control.failNext(new ReactorError("too_many_requests", "later", { retryAfterSecs: 7 }));
    expect(await errorOf(client.listKeys())).toMatchObject({ retryAfterSecs: 7, status: 429 });
  });

  test("without a key are auth_required", async () => {
    const anonymous = createClient({ url: server.url });
    expect((await errorOf(anonymous.listFunctions())).code).toBe("auth_required");
    expect(await anonymous.health()).toMatchObject({ status: "ok" });
  });
});

test("a client of a project names it in every call", async () => {
  const shop = createClient({ url: server.url, key: adminKey, project: "shop" });
  await shop.getFunction("hello");
  await shop.deploy("hello", { files: new Map([["index.ts", new Uint8Array([1])]]) });
  expect(control.calls.map(({ input }) => input)).toMatchObject([
    { project: "shop" },
    { project: "shop" },
  ]);
});

test("system() shows settings and runtimes", async () => {
  expect(await client.system()).toMatchObject({ mode: "serve", runtimes: [{ name: "bun" }] });
});

describe("invoke()", () => {
  const seen: { url: string; method: string; headers: Headers; body: string }[] = [];
  const answering = (project?: string): ReactorClient =>
    createClient({
      url: "http://reactor.test",
      key: "rk_1",
      project,
      fetch: async (request) => {
        seen.push({
          url: request.url,
          method: request.method,
          headers: request.headers,
          body: await request.text(),
        });
        return new Response("teapot", { status: 418 });
      },
    });
  beforeEach(() => {
    seen.length = 0;
  });

  test("returns whatever the function answers", async () => {
    const response = await answering().invoke("hello");
    expect(response.status).toBe(418);
    expect(await response.text()).toBe("teapot");
    expect(seen[0]).toMatchObject({ url: "http://reactor.test/fn/v1/hello", method: "GET" });
  });

  test("sends method, path, body, headers and alias, and leaves Authorization to the function", async () => {
    await answering("shop").invoke("hello", {
      path: "items?x=1",
      body: '{"a":1}',
      alias: 7,
      headers: { Authorization: "Basic dTpw", "Content-Type": "application/json" },
    });
    const [request] = seen;
    expect(request).toMatchObject({
      url: "http://reactor.test/fn/v1/shop:hello@7/items?x=1",
      method: "POST",
      body: '{"a":1}',
    });
    expect(request?.headers.get("authorization")).toBe("Basic dTpw");
    expect(request?.headers.get("x-reactor-key")).toBe("rk_1");
  });

  test("streams a body", async () => {
    const body = new Blob(["a", "b"]).stream();
    await answering().invoke("hello", { method: "PUT", body });
    expect(seen[0]).toMatchObject({ method: "PUT", body: "ab" });
  });
});
