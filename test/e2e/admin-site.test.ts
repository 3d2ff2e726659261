import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { rawExchange } from "./raw-http.ts";
import { startServer, type TestServer } from "./reactor.ts";

/**
 * The browser is hostile ground: no page of another site, and no name that an attacker pointed here,
 * gets anything from the server's own paths, whoever's key comes along. The routes are those of the
 * OpenAPI document, so a new one is walked by itself.
 */
let server: TestServer;
let routes: readonly Route[];

interface Route {
  readonly method: string;
  readonly path: string;
}

/** What is no operation of the document: the worker family's paths and the metrics. */
const otherRoutes: readonly Route[] = [
  { method: "POST", path: "/deploy" },
  { method: "DELETE", path: "/delete/hello" },
  { method: "GET", path: "/scripts" },
  { method: "GET", path: "/stats" },
  { method: "GET", path: "/health" },
  { method: "POST", path: "/invoke/hello" },
  { method: "GET", path: "/metrics" },
];

beforeAll(async () => {
  server = await startServer();
  await server.deploy("hello", `export default { fetch: () => new Response("hello") };`);
  const document = (await (await server.fetch("/api/v1/openapi.json")).json()) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
  const listed = Object.entries(document.paths).flatMap(([template, item]) =>
    Object.keys(item).map((method) => ({
      method: method.toUpperCase(),
      path: template.replaceAll(/\{(\w+)\}/g, (_, name) => parameters[name as string] ?? "hello"),
    })),
  );
  const again = listed
    .filter(({ path }) => path.startsWith("/api/v1/functions"))
    .map(({ method, path }) => ({ method, path: path.replace("/api/v1", "/fn/v1/_admin") }));
  routes = [...listed, ...again, ...otherRoutes];
});

afterAll(async () => {
  await server.stop();
});

const parameters: Readonly<Record<string, string>> = { revision: "1", alias: "production" };

interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** One request as it is written; a header that is undefined is left out. */
async function ask(
  { method, path }: Route,
  headers: Readonly<Record<string, string | undefined>>,
): Promise<Answer> {
  const all = { Host: `127.0.0.1:${server.port}`, Connection: "close", ...headers };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}\r\n`],
  );
  const minor = all.Host === undefined ? 0 : 1;
  const request = `${method} ${path} HTTP/1.${minor}\r\n${lines.join("")}\r\n`;
  const { answers } = await rawExchange(server.port, request);
  const [answer] = answers;
  if (answer === undefined) throw new Error(`${method} ${path} was not answered`);
  return answer;
}

/** Asks every route with the admin key and these headers, and tells which was not refused. */
async function passing(
  headers: Readonly<Record<string, string | undefined>>,
  among = routes,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const route of among) {
    const answer = await ask(route, { Authorization: `Bearer ${server.key}`, ...headers });
    if (answer.status !== 403 || grants(answer)) {
      wrong.push(`${route.method} ${route.path}: ${answer.status} ${answer.head}`);
    }
  }
  return wrong;
}

/** The answer gives another site's page a right, or the browser a credential to keep. */
function grants({ head }: Answer): boolean {
  return /\r\n(?:access-control-|set-cookie:)/i.test(head);
}

test("the walk covers the admin API under both its prefixes, the worker family's and the metrics", () => {
  const paths = routes.map(({ method, path }) => `${method} ${path}`);
  expect(paths.length).toBeGreaterThan(60);
  for (const one of [
    "POST /api/v1/functions/hello/deployments",
    "GET /fn/v1/_admin/functions/hello/logs",
    "POST /api/v1/playground/run",
    "POST /api/v1/secrets/rotate-key",
  ]) {
    expect(paths).toContain(one);
  }
});

describe("a name that is none of the server's", () => {
  test.each([
    "evil.test",
    "evil.test:8080",
    "localhost.evil.test",
    "127.0.0.1.nip.io",
    "localtest.me",
    "hello.localhost",
    "fn.localhost",
    "10.0.0.1",
    "127.0.0.2",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0.0.0.0",
    "[::]",
    "[::ffff:10.0.0.1]",
    "169.254.169.254",
    "metadata.google.internal",
  ])("%s gets nothing of any route", async (host) => {
    expect(await passing({ Host: host })).toEqual([]);
  });

  test("that is not even said gets nothing", async () => {
    expect(await passing({ Host: undefined })).toEqual([]);
  });

  test("is not believed from X-Forwarded-Host of a stranger", async () => {
    const headers = { Host: "evil.test", "X-Forwarded-Host": "localhost" };
    expect(await passing(headers)).toEqual([]);
  });
});

describe("a page of another origin", () => {
  test.each([
    "null",
    "http://evil.test",
    "http://localhost",
    "http://127.0.0.1",
    "http://127.0.0.1:1",
    "http://127.0.0.1.nip.io",
    "file://",
    "chrome-extension://abc",
    "nonsense",
    "",
  ])("%p gets nothing of any route", async (origin) => {
    expect(await passing({ Origin: origin })).toEqual([]);
  });

  test("that says its own and the server's gets nothing", async () => {
    const own = `http://127.0.0.1:${server.port}`;
    expect(await passing({ Origin: `${own}, http://evil.test` })).toEqual([]);
  });

  test.each([
    ["Origin", "http://evil.test", ""],
    ["Sec-Fetch-Site", "cross-site", "same-origin"],
  ])("that says %s twice gets nothing, whichever comes last", async (name, bad, good) => {
    const own = good === "" ? `http://127.0.0.1:${server.port}` : good;
    const again = name.toLowerCase();
    expect(await passing({ [name]: bad, [again]: own })).toEqual([]);
    expect(await passing({ [name]: own, [again]: bad })).toEqual([]);
  });

  test.each([
    ["cross-site", "cors"],
    ["cross-site", "no-cors"],
    ["cross-site", undefined],
    ["same-site", "cors"],
    ["same-site", "websocket"],
    ["CROSS-SITE", "cors"],
    ["", "cors"],
  ])("whose browser says %p, %p gets nothing of any route", async (site, mode) => {
    expect(await passing({ "Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode })).toEqual([]);
  });

  test("that sends a form or follows a link changes nothing", async () => {
    const navigation = { "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate" };
    const changes = routes.filter(({ method }) => method !== "GET");
    expect(await passing(navigation, changes)).toEqual([]);
  });

  test("is never told by a preflight that it may", async () => {
    for (const { path } of routes) {
      for (const origin of ["http://evil.test", `http://127.0.0.1:${server.port}`]) {
        const answer = await ask(
          { method: "OPTIONS", path },
          {
            Origin: origin,
            "Access-Control-Request-Method": "DELETE",
            "Access-Control-Request-Headers": "authorization",
            "Access-Control-Request-Private-Network": "true",
          },
        );
        expect({ path, origin, grants: grants(answer) }).toMatchObject({ path, grants: false });
        expect({ path, origin, status: answer.status }).not.toMatchObject({ path, status: 200 });
      }
    }
  });
});

describe("a browser's own credentials", () => {
  const open = new Set(["/api/v1/health", "/api/v1/openapi.json", "/health", "/invoke/hello"]);

  test("count for nothing: no cookie, no password of a dialog, no key in the query", async () => {
    const ambient = {
      Cookie: `key=${server.key}; authorization=Bearer%20${server.key}`,
      Authorization: `Basic ${btoa(`admin:${server.key}`)}`,
    };
    for (const { method, path } of routes.filter((route) => !open.has(route.path))) {
      const query = `${path}?key=${server.key}&access_token=${server.key}&api_key=${server.key}`;
      for (const answer of [
        await ask({ method, path }, ambient),
        await ask({ method, path: query }, { Cookie: ambient.Cookie }),
      ]) {
        const right = answer.status !== 200 && answer.status !== 201;
        expect({ method, path, status: answer.status, right }).toMatchObject({ path, right: true });
        expect([401, 404, 415, 429]).toContain(answer.status);
        expect(grants(answer)).toBe(false);
      }
    }
  });

  test("are never asked for by a dialog nor given: answers have no Set-Cookie and no Basic", async () => {
    for (const route of routes.filter(({ method }) => method === "GET")) {
      // Not `ask`, which has no patience with a route that starts a database first.
      const { headers, body } = await server.fetch(route.path, {
        headers: { authorization: `Bearer ${server.key}` },
      });
      await body?.cancel();
      const head = [...headers].map(([name, value]) => `\r\n${name}: ${value}`).join("");
      const answer = { status: 200, head, body: "" };
      expect({ ...route, grants: grants(answer) }).toEqual({ ...route, grants: false });
      expect(head).not.toMatch(/www-authenticate: *basic/i);
    }
  });
});

test("a log that is followed is refused before it begins, to another site and to another name", async () => {
  const path = "/api/v1/functions/hello/logs?follow=true";
  const events = { Accept: "text/event-stream", Authorization: `Bearer ${server.key}` };
  for (const hostile of [
    { Host: "evil.test" },
    { Origin: "http://evil.test" },
    { "Sec-Fetch-Site": "same-site" },
  ]) {
    const answer = await ask({ method: "GET", path }, { ...events, ...hostile });
    expect(answer.status).toBe(403);
    expect(answer.head).not.toContain("text/event-stream");
  }
});

test("keys cannot be guessed at the metrics either", async () => {
  const statuses = new Set<number>();
  for (let guess = 0; guess < 30; guess++) {
    const answer = await ask(
      { method: "GET", path: "/metrics" },
      { Authorization: `Bearer rk_guess${guess}` },
    );
    statuses.add(answer.status);
  }
  expect([...statuses]).toEqual([401, 429]);
});
