import { afterEach, describe, expect, test } from "bun:test";
import { once } from "node:events";
import type { ErrorEnvelope } from "../domain/errors.ts";
import { spellingsOf } from "../domain/policy/path-spellings.harness.ts";
import type { PolicyRule } from "../domain/policy/policy-rule.ts";
import { GatewayBench } from "./gateway.harness.ts";

const open: GatewayBench[] = [];

afterEach(async () => {
  for (const bench of open.splice(0)) await bench.close();
});

async function bench(...args: Parameters<typeof GatewayBench.open>): Promise<GatewayBench> {
  const opened = await GatewayBench.open(...args);
  opened.driver.handler = (call) => call.respond(200, [], call.head.url);
  open.push(opened);
  return opened;
}

async function errorOf(response: Response): Promise<ErrorEnvelope["error"]> {
  return ((await response.json()) as ErrorEnvelope).error;
}

const postOnly: PolicyRule = { kind: "method", methods: ["POST"] };
const never: PolicyRule = {
  kind: "cel",
  expression: 'request.headers["x-never"] == "secret-word"',
};

test("a policy that does not hold is 403 with its name, and tells nothing of its rule", async () => {
  const gateway = await bench([{ policies: { "not-for-you": never } }]);
  const response = await gateway.fetch("/fn/v1/hello");
  const text = await response.text();
  expect(response.status).toBe(403);
  expect(response.headers.get("x-reactor-function")).toBe("hello@1");
  expect(JSON.parse(text).error).toMatchObject({
    code: "policy_denied",
    details: { function: "hello", policy: "not-for-you" },
  });
  expect(text).not.toContain("secret-word");
  expect(text).not.toContain("x-never");
  expect(gateway.gateway.refusals.byCode.get("policy_denied")).toBe(1);
  expect(gateway.driver.starts).toEqual([]);
});

describe("policies are asked", () => {
  const policies = { "post-only": postOnly };

  test("after access and before the body's size", async () => {
    const manifest = { access: "key", limits: { bodyInBytesMax: 3 } } as const;
    const gateway = await bench([{ policies, manifest }], {
      keys: { rk_good: { scopes: ["functions:*:invoke"] } },
    });
    const put = { method: "PUT", body: "too large" };
    expect((await gateway.fetch("/fn/v1/hello", put)).status).toBe(401);
    const key = { "x-reactor-key": "rk_good" };
    expect((await gateway.fetch("/fn/v1/hello", { ...put, headers: key })).status).toBe(403);
    const post = { method: "POST", body: "too large", headers: key };
    expect((await gateway.fetch("/fn/v1/hello", post)).status).toBe(413);
    expect((await gateway.fetch("/fn/v1/hello", { ...post, body: "ok" })).status).toBe(200);
  });

  test("on every way in: path, alias, revision, project, header and host", async () => {
    const gateway = await bench([
      { policies, aliases: { production: [[1, 100]], beta: [[1, 100]] } },
    ]);
    const ways: [string, Record<string, string>][] = [
      ["/fn/v1/hello", {}],
      ["/fn/v1/hello/deep/path?x=1", {}],
      ["/fn/v1/hello@beta", {}],
      ["/fn/v1/hello@1", {}],
      ["/fn/v1/default:hello@production", {}],
      ["/fn/v1/hello", { "x-reactor-project": "default" }],
      ["/", { host: "hello.fn.localhost" }],
      ["/", { host: "beta--hello.fn.localhost" }],
    ];
    for (const [path, headers] of ways) {
      const get = await gateway.fetch(path, { headers });
      expect([path, get.status]).toEqual([path, 403]);
      const post = await gateway.fetch(path, { method: "POST", headers });
      expect([path, post.status]).toEqual([path, 200]);
    }
  });

  test("also where a worker is called", async () => {
    const policies = { reads: { kind: "method", methods: ["GET"] } as const };
    const gateway = await bench([{ policies }, { name: "free" }]);
    const init = { method: "POST", body: "{}", headers: { "content-type": "application/json" } };
    expect((await gateway.fetch("/invoke/hello", init)).status).toBe(403);
    expect((await gateway.fetch("/invoke/free", init)).status).toBe(200);
  });

  test("again for each request of a connection that repeats its head", async () => {
    const gateway = await bench([]);
    const minute = (offset: number): string =>
      new Date(gateway.serving.clock.now() + offset * 60_000).toISOString().slice(11, 16);
    const hours = [`${minute(0)}-${minute(2)}`];
    gateway.apply([
      { policies: { soon: { kind: "time_window", days: undefined, hours, timezone: "UTC" } } },
    ]);
    const client = await gateway.raw();
    const head = "GET /fn/v1/hello HTTP/1.1\r\nHost: a\r\n\r\n";
    const statuses: string[] = [];
    for (const waitMs of [0, 0, 60_000, 30_000, 30_000]) {
      for (let waitedMs = 0; waitedMs < waitMs; waitedMs += 30_000) {
        await gateway.serving.clock.advance(30_000);
      }
      const from = client.text.length;
      const answered = once(client.socket, "data");
      client.write(head);
      await answered;
      statuses.push(client.text.slice(from, from + 12));
    }
    const [admitted, denied] = ["HTTP/1.1 200", "HTTP/1.1 403"];
    expect(statuses).toEqual([admitted, admitted, admitted, admitted, denied] as string[]);
    client.destroy();
  });

  test("of the plan in force: one that was added holds at once, one that was removed no more", async () => {
    const gateway = await bench([{}]);
    const statusOf = async (): Promise<number> => (await gateway.fetch("/fn/v1/hello")).status;
    expect(await statusOf()).toBe(200);
    gateway.apply([{ policies }]);
    expect(await statusOf()).toBe(403);
    gateway.apply([{}]);
    expect(await statusOf()).toBe(200);
  });
});

test("no spelling of a path brings a request where the path itself may not go", async () => {
  const policies = {
    "not-admin": { kind: "cel", expression: 'request.path != "/admin"' },
    public: { kind: "path", match: "glob", paths: ["/x/**", "/*", "/"] },
  } as const;
  const gateway = await bench([{ policies }]);
  const admitted: string[] = [];
  for (const spelling of [...spellingsOf("/admin"), "/administer", "/%61dminister?/admin"]) {
    for (const [prefix, host] of [
      ["/fn/v1/hello", "localhost"],
      ["", "hello.fn.localhost"],
    ] as const) {
      const text = await gateway.send(
        `GET ${prefix}${spelling} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      );
      if (!text.startsWith("HTTP/1.1 200")) continue;
      const url = text.slice(text.indexOf("\r\n\r\n") + 4);
      // What a function makes of it that decodes the path and then resolves it, as careless ones do.
      const { pathname } = new URL(decodeURIComponent(new URL(url).pathname), "http://x");
      admitted.push(pathname);
    }
  }
  expect(admitted).toEqual(Array.from({ length: 4 }, () => "/administer"));
});

test("all policies must hold, and for each deployment that an alias leads to", async () => {
  const onlyNew: PolicyRule = { kind: "cel", expression: "deployment.revision >= 2" };
  const policies = { "a-post": postOnly, "b-new": onlyNew };
  const gateway = await bench([
    {
      policies,
      revisions: [1, 2],
      aliases: {
        both: [
          [1, 50],
          [2, 50],
        ],
        next: [[2, 100]],
      },
    },
  ]);
  const post = async (path: string): Promise<number | string | undefined> => {
    const response = await gateway.fetch(path, { method: "POST" });
    if (response.status === 200) return 200;
    return String((await errorOf(response)).details["policy"]);
  };
  expect(await post("/fn/v1/hello@both")).toBe("b-new");
  expect(await post("/fn/v1/hello@next")).toBe(200);
  expect((await errorOf(await gateway.fetch("/fn/v1/hello@both"))).details["policy"]).toBe(
    "a-post",
  );
});

test("what policies see is what the function gets, and never the credential", async () => {
  const sees = (expression: string): PolicyRule => ({ kind: "cel", expression });
  const gateway = await bench(
    [
      {
        manifest: { access: "key" },
        policies: {
          a: sees('request.path == "/a b" && request.query.x == "1"'),
          b: sees('caller.kind == "key" && caller.id == "key_1" && caller.name == "test"'),
          c: sees('request.headers.all(h, h != "authorization" && h != "x-reactor-key")'),
          d: sees(
            'request.headers["x-forwarded-host"] == request.host && request.ip == "127.0.0.1"',
          ),
          e: sees('request.scheme == "http" && deployment.alias == "production"'),
        },
      },
    ],
    { keys: { rk_good: { scopes: ["functions:*:invoke"] } } },
  );
  const headers = { authorization: "Bearer rk_good" };
  const response = await gateway.fetch("/fn/v1/hello/a%20b?x=1", { headers });
  expect([response.status, await response.text()]).toEqual([
    200,
    `http://127.0.0.1:${gateway.port}/a%20b?x=1`,
  ]);
});

test("the client's address is the one behind trusted proxies only", async () => {
  const policies = { lan: { kind: "cel", expression: 'request.ip == "192.0.2.7"' } as const };
  const forwarded = { headers: { "x-forwarded-for": "192.0.2.7" } };
  const open1 = await bench([{ policies }]);
  expect((await open1.fetch("/fn/v1/hello", forwarded)).status).toBe(403);
  const behind = await bench([{ policies }], { settings: { trustedProxies: ["127.0.0.1"] } });
  expect((await behind.fetch("/fn/v1/hello", forwarded)).status).toBe(200);
});

test("a stored rule that this version does not take denies", async () => {
  const bad: PolicyRule = { kind: "cel", expression: "nope(" };
  const gateway = await bench([{ policies: { bad } }]);
  expect((await gateway.fetch("/fn/v1/hello")).status).toBe(403);
});
