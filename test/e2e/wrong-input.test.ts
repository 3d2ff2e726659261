import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "node:net";
import { ClientError } from "../../src/client/client-error.ts";
import { startServer, type TestServer } from "./reactor.ts";

/** Wrong input at each way in, seen through a real server; each rule's own cases are beside its source. */
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
  await server.deploy("good", `export default { fetch: () => new Response("good") };`);
});

afterAll(async () => {
  await server.stop();
});

const hello = `export default { fetch: () => new Response("hello") };`;

async function code(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "no error";
  } catch (error) {
    if (error instanceof ClientError) return error.code;
    throw error;
  }
}

function files(entries: Record<string, string>): Map<string, Uint8Array> {
  return new Map(Object.entries(entries).map(([path, text]) => [path, Buffer.from(text)]));
}

async function upload(
  name: string,
  body: Uint8Array<ArrayBuffer> | string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return server.fetch(`/api/v1/functions/${name}/deployments`, {
    method: "POST",
    body,
    headers: {
      authorization: `Bearer ${server.key}`,
      "content-type": "application/zip",
      ...headers,
    },
  });
}

async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as { error: { code: string } }).error.code;
}

test("hostile names are refused", async () => {
  for (const name of [
    "",
    "A",
    "9a",
    "a b",
    "../x",
    "_admin",
    "health",
    "a".repeat(64),
    "é",
    "a\u0000b",
  ]) {
    expect({ name, code: await code(server.client.createFunction({ name })) }).toEqual({
      name,
      code: "invalid_function_name",
    });
  }
});

test("a taken name, and one whose host label is taken, is 409", async () => {
  await server.client.createFunction({ name: "twice_named" });
  expect(await code(server.client.createFunction({ name: "twice_named" }))).toBe("function_exists");
  expect(await code(server.client.createFunction({ name: "twice-named" }))).toBe("function_exists");
});

test("an upload or a manifest that names something twice is refused, and nothing is deployed", async () => {
  const json = { "content-type": "application/json" };
  const twice = '{"files":{"index.ts":"export default 1","index.ts":"export default 2"}}';
  const refused = await upload("good", twice, json);
  expect([refused.status, await codeOf(refused)]).toEqual([400, "bundle_invalid"]);
  const manifest = JSON.stringify('{"access":"key","access":"public"}');
  const inManifest = `{"files":{"index.ts":${JSON.stringify(hello)},"reactor.json":${manifest}}}`;
  const answer = await upload("good", inManifest, json);
  expect([answer.status, await codeOf(answer)]).toEqual([400, "manifest_invalid"]);
  const { items } = await server.client.listDeployments("good");
  expect(items.map(({ revision }) => revision)).toEqual([1]);
});

test("a runtime that is not built yet is refused by name", async () => {
  expect(await code(server.client.createFunction({ name: "module", runtime: "wasm" }))).toBe(
    "unsupported_runtime",
  );
});

test("empty, corrupt and 51 MiB uploads are refused", async () => {
  expect(await codeOf(await upload("good", new Uint8Array(0)))).toMatch(
    /bundle_invalid|invalid_request/,
  );
  expect(await codeOf(await upload("good", "this is no archive"))).toBe("bundle_invalid");
  expect(await codeOf(await upload("good", new Uint8Array(51 * 1024 * 1024)))).toBe(
    "bundle_too_large",
  );
  expect(await code(server.client.deploy("good", { files: new Map() }))).toBe("bundle_invalid");
});

test("a wrong claimed digest is refused", async () => {
  const response = await server.fetch("/api/v1/functions/good/deployments", {
    method: "POST",
    body: JSON.stringify({ files: { "index.ts": hello } }),
    headers: {
      authorization: `Bearer ${server.key}`,
      "content-type": "application/json",
      "x-reactor-bundle-sha256": "0".repeat(64),
    },
  });
  expect(await codeOf(response)).toBe("bundle_invalid");
});

test("unknown and mistyped manifest keys are refused with a pointer and the nearest key", async () => {
  const manifest = JSON.stringify({ name: "good", limits: { timeout_sm: 5 } });
  try {
    await server.client.deploy("good", {
      files: files({ "index.ts": hello, "reactor.json": manifest }),
    });
    throw new Error("accepted");
  } catch (error) {
    expect(error).toBeInstanceOf(ClientError);
    const failure = error as ClientError;
    expect(failure.code).toBe("manifest_invalid");
    expect(failure.details["pointer"]).toBe("/limits/timeout_sm");
    expect(failure.message).toContain("timeout_ms");
  }
});

test("declared keys that are not set are refused before anything is stored", async () => {
  const manifest = JSON.stringify({ name: "good", secret_keys: ["NOT_THERE"] });
  expect(
    await code(
      server.client.deploy("good", {
        files: files({ "index.ts": hello, "reactor.json": manifest }),
      }),
    ),
  ).toBe("env_key_invalid");
});

test("a bundle that cannot be built or loaded is kept as failed with its log, and cannot be promoted", async () => {
  const cases = {
    syntax: "export default {",
    import: `import "not-there"; ${hello}`,
    export: "export const x = 1;",
    throws: `throw new Error("at import"); ${hello}`,
    exits: `process.exit(4); ${hello}`,
  };
  for (const [name, source] of Object.entries(cases)) {
    const deployment = await server.client.deploy("good", { files: files({ "index.ts": source }) });
    expect({ name, status: deployment.status }).toEqual({ name, status: "failed" });
    expect(await code(server.client.promote("good", deployment.id))).toBe("deployment_failed");
  }
  expect(await (await server.fetch("/fn/v1/good")).text()).toBe("good");
});

test("two deploys at once get different revisions and both are kept", async () => {
  const both = await Promise.allSettled(
    [1, 2].map(() => server.client.deploy("good", { files: files({ "index.ts": hello }) })),
  );
  const kept = both.flatMap((result) =>
    result.status === "fulfilled" ? [result.value.revision] : [],
  );
  expect(kept.length).toBeGreaterThan(0);
  expect(new Set(kept).size).toBe(kept.length);
  for (const result of both) {
    if (result.status === "rejected") expect((result.reason as ClientError).code).toBe("conflict");
  }
  const page = await server.client.listDeployments("good");
  for (const revision of kept) expect(page.items.map((item) => item.revision)).toContain(revision);
});

test("a key without the scope is refused, an unknown one too, and a revoked one at once", async () => {
  const made = await server.client.createKey({
    name: "invoke only",
    scopes: ["functions:good:invoke"],
  });
  const as = (key: string, path: string): Promise<Response> =>
    server.fetch(path, { headers: { authorization: `Bearer ${key}` } });
  expect((await as(made.key, "/api/v1/functions/good/env")).status).toBe(403);
  expect((await as("rk_unknown", "/api/v1/functions")).status).toBe(401);
  await server.client.revokeKey(made.id);
  expect((await as(made.key, "/api/v1/functions/good/env")).status).toBe(401);
});

test("a foreign Host or Origin never reaches the admin API", async () => {
  const headers = { authorization: `Bearer ${server.key}`, "content-type": "application/json" };
  const origin = await server.fetch("/api/v1/functions", {
    method: "POST",
    body: JSON.stringify({ name: "rebound" }),
    headers: { ...headers, origin: "https://evil.example" },
  });
  expect(origin.status).toBe(403);
  const raw = await rawStatus(
    `GET /api/v1/functions HTTP/1.1\r\nhost: evil.example\r\nauthorization: Bearer ${server.key}\r\nconnection: close\r\n\r\n`,
  );
  expect([400, 403, 421]).toContain(raw);
});

test("path tricks reach neither the admin API nor another function", async () => {
  const tricks = [
    "/fn/v1/%5fadmin/functions",
    "/fn/v1/good/../_admin/functions",
    "/fn/v1//good",
    "/fn/v1/good%2f..%2f_admin",
    "/fn/v1/GOOD",
    "/fn/v1/good@",
    "/fn/v1/good@99",
    "/fn/v1/good@nope",
  ];
  for (const trick of tricks) {
    const status = await rawStatus(
      `GET ${trick} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n`,
    );
    // A dot segment below a function's name is that function's own path.
    const allowed = trick.startsWith("/fn/v1/good/") ? [200, 400, 404] : [400, 404];
    expect({ trick, status, ok: allowed.includes(status) }).toEqual({ trick, status, ok: true });
  }
});

function rawStatus(text: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, "127.0.0.1");
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
    });
    socket.on("close", () => resolve(Number(answer.slice(9, 12))));
    socket.on("error", reject);
    socket.write(text);
  });
}
