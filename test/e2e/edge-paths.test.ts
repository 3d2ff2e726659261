import { afterAll, beforeAll, expect, test } from "bun:test";
import { ClientError } from "../../src/client/client-error.ts";
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
  await server.deploy("locked", telling("locked"), { access: "key" });
  await server.deploy("open", telling("open"));
  const made = await server.client.createKey({ name: "l", scopes: ["functions:locked:invoke"] });
  lockedKey = made.key;
});

afterAll(async () => {
  await server.stop();
});

/** Ways to write a slash, a dot segment up and a name, of which every combination is tried. */
const slashes = [
  "/",
  "//",
  "/./",
  "%2f",
  "%2F",
  "%252f",
  "\\",
  "%5c",
  "/;/",
  "%00/",
  "%c0%af",
  "\uff0f",
];
const ups = [
  "..",
  "%2e%2e",
  ".%2e",
  "%2E.",
  "%252e%252e",
  "..;",
  "...",
  ".. ",
  "..%00",
  "%c0%ae%c0%ae",
];
const locks = [
  "locked",
  "Locked",
  "%6cocked",
  "locked.",
  "locked%20",
  "locked;a=b",
  "locked%00",
  "locke\u0064%2f",
  "%256cocked",
  "lo%63ked",
  "locked%09",
  "LOCKED",
  "locked%2e",
  "\u006c\u006fcked@1",
];

const spellings: ReadonlySet<string> = new Set([
  ...slashes.flatMap((slash) => [
    `/fn${slash}v1/locked/x`,
    `/fn/v1${slash}locked/x`,
    `/fn/v1/open${slash}locked`,
    `/fn/v1/locked${slash}x`,
    `${slash}fn/v1/locked/x`,
  ]),
  ...ups.flatMap((up) => [
    `/fn/v1/open/${up}/locked`,
    `/fn/v1/open/x/${up}/${up}/locked/x`,
    `/fn/v1/locked/${up}/open`,
    `/fn/v1/${up}/v1/locked`,
    `/fn/v1/${up}/${up}/fn/v1/locked`,
    `/fn/v1/open${up}/locked`,
    `/fn/v1/open/${up}%2flocked`,
    `/fn/v1/open%2f${up}%2flocked`,
  ]),
  ...locks.flatMap((name) => [
    `/fn/v1/${name}`,
    `/fn/v1/${name}/x`,
    `/fn/v1/./${name}`,
    `/fn/v1/open/../${name}`,
  ]),
  ...[
    "#",
    "#/../locked",
    "?",
    "?/../../locked",
    "%3f/../locked",
    "%23/../locked",
    "&x",
    "*",
    "~",
  ].map((tail) => `/fn/v1/open${tail}`),
  "http://127.0.0.1/fn/v1/locked",
  "http://x/fn/v1/open/../locked",
  "http://x:80/fn/v1/locked/x",
  "HTTP://X/fn/v1/locked",
  "https://x/fn/v1/locked",
  "http:///fn/v1/locked",
  "http://x@127.0.0.1/fn/v1/locked",
  "//x/fn/v1/locked",
  "*",
  "fn/v1/locked",
  "./fn/v1/locked",
  "/FN/v1/locked",
  "/fn/V1/locked",
  "/%66n/v1/locked",
  "/fn/%761/locked",
  "/fn/v1/locked/",
  "/fn/v1/locked?x=/fn/v1/open",
  "/fn/v1/open?x=/fn/v1/locked",
  "/fn/v1/open/fn/v1/locked",
  "/fn/v1/locked@production/x",
  "/fn/v1/open@1/x",
]);

function ask(target: string, headers: readonly string[] = []): Promise<RawAnswer> {
  return rawExchange(
    server.port,
    Buffer.from(
      `GET ${target} HTTP/1.1\r\nHost: x\r\n${headers.map((line) => `${line}\r\n`).join("")}Connection: close\r\n\r\n`,
    ),
  ).then(({ answers }) => {
    expect({ target, answers: answers.length }).toEqual({ target, answers: 1 });
    return answers[0] as RawAnswer;
  });
}

interface Told {
  readonly name: string;
  readonly path: string;
}

/** The function that a spelling names when nothing is decoded, and what is left of it for the function. */
function written(target: string): Told | undefined {
  const origin = /^https?:\/\/x(?::80)?(?=\/)/i.exec(target)?.[0] ?? "";
  const match = /^\/fn\/v1\/(locked|open)(?:@(?:1|production))?(\/[^?#]*)?(?:[?#].*)?$/.exec(
    target.slice(origin.length),
  );
  return match === null ? undefined : { name: match[1] ?? "", path: match[2] ?? "/" };
}

test("there are more than 200 spellings", () => {
  expect(spellings.size).toBeGreaterThan(200);
});

for (const who of ["without a key", "with a key of the locked one"] as const) {
  test(`no spelling runs another function than it names, ${who}, nor lets it see another path`, async () => {
    const headers = who === "without a key" ? [] : [`Authorization: Bearer ${lockedKey}`];
    const wrong: unknown[] = [];
    let ran = 0;
    for (const target of spellings) {
      const { status, body } = await ask(target, headers);
      if (status !== 200) {
        if (status < 400 || status >= 500) wrong.push({ target, status });
        continue;
      }
      ran += 1;
      const told = JSON.parse(body) as Told;
      const wanted = written(target);
      const locked = told.name === "locked" && headers.length === 0;
      if (locked || told.name !== wanted?.name || told.path !== wanted.path) {
        wrong.push({ target, told, wanted });
      }
    }
    expect(wrong).toEqual([]);
    // The honest ones among them do run, or the rule would hold of a server that refuses all.
    expect(ran).toBeGreaterThan(5);
  });
}

test("a spelling that names the locked function is refused for want of a key, not for its path", async () => {
  for (const target of ["/fn/v1/locked", "/fn/v1/locked/x", "/fn/v1/locked?x=/fn/v1/open"]) {
    expect({ target, status: (await ask(target)).status }).toEqual({ target, status: 401 });
  }
});

const adminSpellings: readonly string[] = [
  ...[
    "_admin",
    "%5fadmin",
    "%5Fadmin",
    "%255fadmin",
    "_ADMIN",
    "_admin%00",
    "_admin;",
    "_admin.",
    "_%61dmin",
  ].flatMap((name) => [
    `/fn/v1/${name}/functions`,
    `/fn/v1//${name}/functions`,
    `/fn/v1/./${name}/functions`,
    `/fn/v1/open/../${name}/functions`,
    `/fn/v1/open/%2e%2e/${name}/functions`,
    `/fn/v1/open%2f..%2f${name}%2ffunctions`,
    `/fn/v1/open/..\\${name}/functions`,
  ]),
  "/api/v1/functions",
  "//api/v1/functions",
  "/fn/v1/../../api/v1/functions",
  "/fn/v1/open/../../../api/v1/functions",
  "/fn/v1/%2e%2e/%2e%2e/api/v1/functions",
  "/%61pi/v1/functions",
  "/api/v1/../v1/functions",
  "/metrics",
  "/fn/v1/..",
  "/fn/v1/../metrics",
];

test("no spelling reaches the admin API without a key, nor with one that may only invoke", async () => {
  for (const headers of [[], [`Authorization: Bearer ${lockedKey}`]]) {
    for (const target of adminSpellings) {
      const { status, body } = await ask(target, headers);
      const ofFunction = body.includes('"name":"open"') && written(target) !== undefined;
      // A key that may only invoke may list the functions that it may invoke.
      const listed = status === 200 && headers.length > 0 && !body.includes('"open"');
      const refused = status >= 400 && status < 500;
      expect({ target, status, right: refused || listed || ofFunction }).toEqual({
        target,
        status,
        right: true,
      });
    }
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
