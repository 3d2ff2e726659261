import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ClientError } from "../../src/client/client-error.ts";
import { adminSpellings, spellings } from "./path-spellings.ts";
import { type RawAnswer, rawExchange } from "./raw-http.ts";
import { startServer, type TestServer } from "./reactor.ts";

/**
 * Spellings of paths around a function that wants a key and a public neighbour: what was decided
 * about is what runs, and it sees the path as it was decided about.
 */
let server: TestServer;
let lockedKey: string;

const telling = (name: string) => `export default { fetch(request) {
  return Response.json({ name: ${JSON.stringify(name)}, path: new URL(request.url).pathname });
} };`;

beforeAll(async () => {
  server = await startServer();
  const route = (name: string) => ({ route: `/routed/v1/${name}`, method: "ANY" });
  await server.deploy("locked", telling("locked"), { access: "key", ...route("locked") });
  await server.deploy("open", telling("open"), route("open"));
  const made = await server.client.createKey({ name: "l", scopes: ["functions:locked:invoke"] });
  lockedKey = made.key;
  for (const name of ["locked", "open"]) {
    await server.client.setAlias(name, "beta", [{ revision: 1, weight: 100 }]);
  }
});

afterAll(async () => {
  await server.stop();
});

/** How a spelling of the corpus is asked on a way in, and what it names there when nothing is decoded. */
interface SpelledWay {
  readonly method: string;
  readonly host: string;
  target(spelling: string): string;
  /** The function that is named and what is left of the path for it; undefined when it is none. */
  written(target: string): Told | undefined;
}

interface Told {
  readonly name: string;
  readonly path: string;
}

/** Below `/fn/v1/`, with each function's name written this way. */
function belowPrefix(segment: (name: string) => string): SpelledWay {
  return {
    method: "GET",
    host: "x",
    target: (spelling) =>
      spelling
        .replaceAll("/fn/v1/locked", `/fn/v1/${segment("locked")}`)
        .replaceAll("/fn/v1/open", `/fn/v1/${segment("open")}`),
    written(target) {
      const origin = /^https?:\/\/x(?::80)?(?=\/)/i.exec(target)?.[0] ?? "";
      const match =
        /^\/fn\/v1\/(?:default:)?(locked|open)(?:@(?:1|production|beta))?(\/[^?#]*)?(?:[?#].*)?$/.exec(
          target.slice(origin.length),
        );
      return match === null ? undefined : { name: match[1] ?? "", path: match[2] ?? "/" };
    },
  };
}

/** Below `/invoke/`, where the whole rest is a name. */
const invoke: SpelledWay = {
  method: "POST",
  host: "127.0.0.1",
  target: (spelling) => spelling.replaceAll("/fn/v1/", "/invoke/").replaceAll("//x", "//127.0.0.1"),
  written(target) {
    const match =
      /^(?:https?:\/\/127\.0\.0\.1)?\/invoke\/(locked|open)(?:@(?:1|production|beta))?(?:[?#].*)?$/i;
    const name = match.exec(target)?.[1];
    return name === undefined ? undefined : { name, path: "/" };
  },
};

/** By its route, which has the form of the corpus's paths; there is nothing below a route. */
const routed: SpelledWay = {
  method: "GET",
  host: "x",
  target: (spelling) => spelling.replaceAll("/fn/v1/", "/routed/v1/"),
  written(target) {
    const match = /^(?:https?:\/\/x(?::80)?)?(\/routed\/v1\/(locked|open))(?:[?#].*)?$/i.exec(
      target,
    );
    return match === null ? undefined : { name: match[2] ?? "", path: match[1] ?? "" };
  },
};

/** On a function's own host the whole path is the function's, whatever it spells. */
function onHost(host: string, name: string): SpelledWay {
  return {
    method: "GET",
    host,
    target: (spelling) => spelling.replaceAll("//x", `//${host}`),
    written(target) {
      const path = target
        .replace(new RegExp(`^https?://${host}(?=[/?]|$)`, "i"), "")
        .split("?", 1)[0];
      return { name, path: path === "" ? "/" : (path ?? "") };
    },
  };
}

const spelledWays: readonly (readonly [string, SpelledWay])[] = [
  ["path", belowPrefix((name) => name)],
  ["alias", belowPrefix((name) => `${name}@beta`)],
  ["revision", belowPrefix((name) => `${name}@1`)],
  ["project", belowPrefix((name) => `default:${name}`)],
  ["invoke", invoke],
  ["route", routed],
  ["open host", onHost("open.fn.localhost", "open")],
  ["open alias host", onHost("beta--open.fn.localhost", "open")],
  ["locked host", onHost("locked.fn.localhost", "locked")],
  ["locked alias host", onHost("beta--locked.fn.localhost", "locked")],
];

async function ask(
  target: string,
  headers: readonly string[] = [],
  { method, host }: { readonly method: string; readonly host: string } = {
    method: "GET",
    host: "127.0.0.1",
  },
): Promise<RawAnswer> {
  const lines = [`Host: ${host}`, ...headers, "Connection: close"];
  const head = Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
  const { answers } = await rawExchange(server.port, head);
  expect({ target, answers: answers.length }).toEqual({ target, answers: 1 });
  return answers[0] as RawAnswer;
}

test("there are more than 200 spellings", () => {
  expect(spellings.size).toBeGreaterThan(200);
});

describe.each(spelledWays)("on the way in by %s", (what, way) => {
  test.each(["without a key", "with a key of the locked one"])(
    "no spelling runs another function than it names, %s, nor lets it see another path",
    async (who) => {
      const headers = who === "without a key" ? [] : [`Authorization: Bearer ${lockedKey}`];
      const wrong: unknown[] = [];
      let ran = 0;
      for (const spelling of spellings) {
        const target = way.target(spelling);
        const { status, body } = await ask(target, headers, way);
        if (status !== 200) {
          if (status < 400 || status >= 500) wrong.push({ target, status });
          continue;
        }
        ran += 1;
        const told = JSON.parse(body) as Told;
        const wanted = way.written(target);
        const locked = told.name === "locked" && headers.length === 0;
        if (locked || told.name !== wanted?.name || told.path !== wanted.path) {
          wrong.push({ target, told, wanted });
        }
      }
      expect(wrong).toEqual([]);
      // The honest ones among them do run, or the rule would hold of a server that refuses all.
      if (headers.length > 0 || !what.startsWith("locked")) expect(ran).toBeGreaterThan(2);
    },
  );
});

test("a spelling that names the locked function is refused for want of a key, not for its path", async () => {
  for (const target of ["/fn/v1/locked", "/fn/v1/locked/x", "/fn/v1/locked?x=/fn/v1/open"]) {
    expect({ target, status: (await ask(target)).status }).toEqual({ target, status: 401 });
  }
});

test("no spelling reaches the server's own paths without a key, nor with one that may only invoke", async () => {
  for (const headers of [[], [`Authorization: Bearer ${lockedKey}`]]) {
    for (const target of adminSpellings) {
      for (const method of ["GET", "POST", "DELETE"]) {
        const { status, body } = await ask(target, headers, { method, host: "127.0.0.1" });
        const ofFunction = body.includes('"name":"open"');
        // A key that may only invoke may list the functions that it may invoke.
        const listed = status === 200 && headers.length > 0 && !body.includes('"open"');
        const refused = status >= 400 && status < 500;
        const right = refused || listed || ofFunction;
        expect({ method, target, status, right }).toMatchObject({ target, right: true });
      }
    }
  }
});

test("a target of the server's own that another reader would resolve is refused, with the admin key too", async () => {
  const admin = [`Authorization: Bearer ${server.key}`];
  for (const target of [
    "/api/v1/../v1/functions",
    "/api/../fn/v1/_admin/functions",
    "/fn/v1/_admin/../_admin/functions",
    "/api/v1/functions/./open",
    "/api/v1/functions/%2e%2e/functions",
    "/api/v1/functions/.",
    "/api/v1/functions/..",
    "/api/v1\\functions",
    "/api/v1/x\\..\\functions",
    "/metrics/../metrics",
    "/./scripts",
  ]) {
    const { status, body } = await ask(target, admin);
    expect({ target, status, body: body.slice(0, 200) }).toMatchObject({ target, status: 400 });
  }
  expect((await ask("/api/v1/functions/open", admin)).status).toBe(200);
});

test("on a function's own host nothing is the server's", async () => {
  for (const target of [
    "/api/v1/health",
    "/health",
    "/metrics",
    "/scripts",
    "/fn/v1/health",
    "/invoke/locked",
  ]) {
    const { status, body } = await ask(target, [`Authorization: Bearer ${server.key}`], {
      method: "GET",
      host: "open.fn.localhost",
    });
    expect({ status, body }).toEqual({
      status: 200,
      body: JSON.stringify({ name: "open", path: target }),
    });
  }
});

test("no function can have a name that the server uses", async () => {
  const names = [
    "_admin",
    "_",
    "..",
    ".",
    "%5fadmin",
    "_Admin",
    "health",
    "metrics",
    "openapi.json",
    "fn/v1",
    "a/b",
    "a%2fb",
    "a..b",
    "a@1",
    "-a",
    "\uff3fadmin",
  ];
  for (const name of names) {
    const outcome = await server.client.createFunction({ name }).catch((error: unknown) => error);
    expect(outcome).toBeInstanceOf(ClientError);
    expect({ name, code: (outcome as ClientError).code }).toEqual({
      name,
      code: "invalid_function_name",
    });
  }
});
