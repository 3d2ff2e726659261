import { afterAll, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fakeFunction } from "../fake-resources.ts";
import { createFakeServer } from "../fake-server.ts";
import { runInTerminal } from "../run-in-terminal.ts";

const time = "2026-11-21T01:02:03.456Z";
const cwd = await mkdtemp(path.join(tmpdir(), "reactor-init-"));
afterAll(() => rm(cwd, { recursive: true, force: true }));

describe("reactor init", () => {
  test("writes the source's function and the commands that bring it to life", async () => {
    const { code, stdout, stderr } = await runInTerminal(["init"], { cwd });
    expect(code).toBe(0);
    expect(stdout).toBe(
      "Wrote functions/hello/reactor.json\nWrote functions/hello/code/index.ts\n",
    );
    expect(stderr).toContain(`reactor functions invoke hello --json '{"name":"Reactor"}'`);
    const folder = path.join(cwd, "functions/hello");
    expect(JSON.parse(await readFile(path.join(folder, "reactor.json"), "utf8"))).toEqual({
      name: "hello",
      runtime: "bun",
      entrypoint: "code/index.ts",
    });
    const module: { default: { fetch(request: Request): Promise<Response> } } = await import(
      path.join(folder, "code/index.ts")
    );
    const request = new Request("http://x", { method: "POST", body: '{"name":"Reactor"}' });
    expect(await (await module.default.fetch(request)).json()).toEqual({
      message: "Hello, Reactor!",
    });
  });

  test("refuses to touch a folder that is there", async () => {
    const folder = path.join(cwd, "functions/mine");
    await mkdir(folder, { recursive: true });
    const { code, stderr } = await runInTerminal(["init", "mine"], { cwd });
    expect(code).toBe(1);
    expect(stderr).toContain(`${folder} is there already`);
    expect(await readdir(folder)).toEqual([]);
  });

  test.each(["../up", "Upper", "a/b", "health"])("refuses the name %s", async (name) => {
    const { code, stderr } = await runInTerminal(["init", name], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain("as a function name");
    if (name !== "health") expect(stderr).toContain(", as hello or send_mail do");
  });
});

describe("reactor aliases", () => {
  const alias = (targets: readonly { revision: number; deployment_id: string; weight: number }[]) =>
    Response.json({ name: "production", function_id: "fn_1", targets, updated_at: time });

  test("set sends weighted revisions", async () => {
    const targets = [
      { revision: 7, deployment_id: "dep_7", weight: 95 },
      { revision: 8, deployment_id: "dep_8", weight: 5 },
    ];
    const server = createFakeServer({
      "PUT /api/v1/functions/hello/aliases/production": () => alias(targets),
    });
    const argv = ["aliases", "set", "hello", "production", "7=95", "@8=5"];
    const { code, stdout } = await runInTerminal(argv, { server });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: "hello@production is now @7 95 %, @8 5 %\n",
    });
    expect(JSON.parse(server.requests[0]?.body.toString() ?? "").targets).toEqual([
      { revision: 7, weight: 95 },
      { revision: 8, weight: 5 },
    ]);
  });

  test.each(["seven", "0", "7=101", "7=", "-1", "7=1.5"])(
    "set refuses the target %s",
    async (target) => {
      const argv = ["aliases", "set", "hello", "staging", "--", target];
      const { code, stderr } = await runInTerminal(argv, { server: createFakeServer({}) });
      expect(code).toBe(2);
      expect(stderr).toContain(`Cannot read the target "${target}"`);
    },
  );
});

describe("reactor keys", () => {
  const key = {
    id: "key_1",
    project: "default",
    name: "web",
    prefix: "rk_abcde",
    scopes: ["functions:hello:invoke"],
    created_at: time,
    expires_at: null,
    revoked_at: null,
  };

  test("create prints the key alone on stdout, so that a shell can take it", async () => {
    const server = createFakeServer({
      "POST /api/v1/keys": () =>
        Response.json({ ...key, key: "rk_the_key_itself" }, { status: 201 }),
    });
    const argv = ["keys", "create", "web", "--scope", "functions:hello:invoke", "--expires", "1d"];
    const { code, stdout, stderr } = await runInTerminal(argv, { server });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "rk_the_key_itself\n" });
    expect(stderr).toContain("cannot be shown again");
    // The virtual clock stands at 1,700,000,000,000 ms.
    expect(JSON.parse(server.requests[0]?.body.toString() ?? "")).toEqual({
      name: "web",
      scopes: ["functions:hello:invoke"],
      expires_at: new Date(1_700_000_000_000 + 86_400_000).toISOString(),
    });
  });

  test("create without a scope exits with 2", async () => {
    const { code, stderr } = await runInTerminal(["keys", "create", "web"], {
      server: createFakeServer({}),
    });
    expect(code).toBe(2);
    expect(stderr).toContain("at least one --scope");
  });

  test("list shows which keys are live", async () => {
    const items = [
      key,
      { ...key, id: "key_2", revoked_at: time },
      { ...key, id: "key_3", expires_at: "2020-01-01T00:00:00Z" },
    ];
    const server = createFakeServer({ "GET /api/v1/keys": () => Response.json({ items }) });
    const { stdout } = await runInTerminal(["keys", "list"], { server });
    expect(stdout).toMatch(/key_1 .* live /);
    expect(stdout).toMatch(/key_2 .* revoked /);
    expect(stdout).toMatch(/key_3 .* expired /);
  });

  test("revoke names what it revoked", async () => {
    const server = createFakeServer({
      "DELETE /api/v1/keys/key_1": () => Response.json({ id: "key_1" }),
    });
    expect((await runInTerminal(["keys", "revoke", "key_1"], { server })).stdout).toBe(
      "Revoked key key_1\n",
    );
  });
});

describe("reactor invocations", () => {
  const item = {
    id: "inv_1",
    request_id: "req\u001b[2J_1",
    function_id: "fn_1",
    deployment_id: "dep_1",
    revision: 3,
    method: "POST",
    started_at: time,
    duration_ms: 12.34,
    usage: { run_ms: 11, vcpu_ms: 22, gb_s: 0.005_5 },
    status: 500,
    error_code: "function_error",
    cold: true,
    bytes_in: 12,
    bytes_out: 3_400_000,
    state: "failed",
    attempt: 1,
    queued: null,
  };

  test("list filters by function and request id", async () => {
    const server = createFakeServer({
      "GET /api/v1/invocations": () => Response.json({ items: [item] }),
    });
    const argv = [
      "invocations",
      "list",
      "--function",
      "hello",
      "--request",
      "req_1",
      "--limit",
      "5",
    ];
    const { stdout } = await runInTerminal(argv, { server });
    expect(stdout).toMatch(
      /inv_1 .* POST +500 +12\.3 ms +22\.0 vCPU-ms 0\.005500 GB-s +cold +@3 +function_error/,
    );
    const query = new URLSearchParams(server.requests[0]?.line.split("?")[1]);
    expect(Object.fromEntries(query)).toEqual({
      function: "hello",
      request_id: "req_1",
      limit: "5",
    });
  });

  const dead = {
    ...item,
    id: "inv_2",
    state: "dead",
    attempt: 3,
    queued: {
      origin: "request",
      selector: "production",
      accepted_at: time,
      due_at: null,
      expires_at: time,
      finished_at: time,
      tries: 3,
      ordering_key: "order-1",
      error: { code: "function_error", message: "it threw" },
      result: null,
    },
  };

  test("list --state shows dead letters, and get says why and how to run one again", async () => {
    const server = createFakeServer({
      "GET /api/v1/invocations": () => Response.json({ items: [dead], next_cursor: null }),
      "GET /api/v1/invocations/inv_2": () => Response.json(dead),
    });
    const list = await runInTerminal(["invocations", "list", "--state", "dead"], { server });
    expect(list.stdout).toMatch(/inv_2 +dead +\S+ +3 +- +function_error/);
    expect(server.requests[0]?.line).toContain("state=dead");
    const get = await runInTerminal(["invocations", "get", "inv_2"], { server });
    expect(get.stdout).toContain("it threw");
    expect(get.stderr).toContain("reactor invocations retry inv_2");
    const both = ["invocations", "list", "--state", "dead", "--request", "r"];
    expect((await runInTerminal(both, { server })).code).toBe(2);
  });

  test("retry takes one id or --function, edit sends the body", async () => {
    const server = createFakeServer({
      "POST /api/v1/invocations/inv_2/retry": () => Response.json({ ...dead, state: "queued" }),
      "POST /api/v1/functions/mail/retry-dead": () => Response.json({ retried: 2 }),
      "PATCH /api/v1/invocations/inv_2/request": () => Response.json(dead),
    });
    const run = (...argv: string[]) => runInTerminal(["invocations", ...argv], { server });
    expect((await run("retry", "inv_2")).stdout).toContain("inv_2 is queued");
    expect((await run("retry", "--function", "mail")).stdout).toContain("2 invocations");
    for (const argv of [["retry"], ["retry", "inv_2", "--function", "mail"]]) {
      expect((await run(...argv)).code).toBe(2);
    }
    expect((await run("edit", "inv_2", "--payload", '{"a":1}')).code).toBe(0);
    expect(JSON.parse(server.requests.at(-1)?.body.toString() ?? "")).toEqual({
      base64: Buffer.from('{"a":1}').toString("base64"),
    });
    expect((await run("edit", "inv_2", "--payload", "{")).code).toBe(2);
  });

  test("get shows one, with a hostile request id made harmless", async () => {
    const server = createFakeServer({ "GET /api/v1/invocations/inv_1": () => Response.json(item) });
    const { stdout } = await runInTerminal(["invocations", "get", "inv_1"], { server });
    expect(stdout).toContain("req_1");
    expect(stdout).toContain("3.4 MB");
    expect(stdout).toMatch(/^used +22\.0 vCPU-ms 0\.005500 GB-s$/m);
    expect(stdout).not.toContain("\u001b");
  });
});

test.each(["enable", "disable"])(
  "reactor functions %s changes and reports the state",
  async (verb) => {
    const server = createFakeServer({
      "PATCH /api/v1/functions/hello": () =>
        Response.json(fakeFunction({ enabled: verb === "enable" })),
    });
    const { stdout } = await runInTerminal(["functions", verb, "hello"], { server });
    expect(stdout).toBe(`Function hello is ${verb}d\n`);
    expect(JSON.parse(server.requests[0]?.body.toString() ?? "")).toEqual({
      enabled: verb === "enable",
    });
  },
);

test("reactor functions delete says how to undo it, restore does", async () => {
  const server = createFakeServer({
    "DELETE /api/v1/functions/hello": () => Response.json({ id: "fn_1", name: "hello" }),
    "POST /api/v1/functions/hello/restore": () => Response.json(fakeFunction()),
  });
  const deleted = await runInTerminal(["functions", "delete", "hello"], { server });
  expect(deleted.stderr).toContain("Undo: reactor functions restore hello");
  const restored = await runInTerminal(["functions", "restore", "hello"], { server });
  expect(restored.stdout).toBe("Restored function hello, production @1 (dep_1)\n");
});
