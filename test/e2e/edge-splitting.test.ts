import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { headerPayloads, splitLines } from "./header-payloads.ts";
import { rawExchange } from "./raw-http.ts";
import { startServer, type TestServer } from "./reactor.ts";
import { invokeWay, routeBelow, wayBelow, waysToFunction } from "./ways-in.ts";

/** A hostile function says a header that would split its answer: in every shape, on every runtime, by every way in. */
let server: TestServer;

const fetching = `export default { async fetch(request) {
  const { name, value } = await request.json();
  const answer = new Response("said");
  Object.defineProperty(answer, "headers", { value: { entries: () => [[name, value]][Symbol.iterator](),
    forEach: (f, self) => f.call(self, value, name), get: () => null, has: () => false,
    [Symbol.iterator]: () => [[name, value]][Symbol.iterator]() } });
  return answer;
} };`;

const event = `export function handler({ name, value }) {
  return { statusCode: 200, headers: { [name]: value }, body: "said" };
}`;

const defined = `import { defineFunction } from "@reactor/functions";
export default defineFunction({ handler: ({ input: { name, value } }) =>
  new Response("said", { headers: new Headers([[name, value]]) }) });`;

const cookies = `export function handler({ name, value }) {
  return { statusCode: 200, headers: { "set-cookie": [name + "=" + value] }, body: "said" };
}`;

const pythonEvent = `def handler(event, context):
    return {"statusCode": 200, "headers": {event["name"]: event["value"]}, "body": "said"}
`;

const pythonGenerator = `def handler(event, context):
    yield {"statusCode": 200, "headers": {event["name"]: event["value"]}}
    yield "said"
`;

const pythonAsgi = `import json

async def app(scope, receive, send):
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    said = json.loads(body)
    header = (said["name"].encode(), said["value"].encode())
    await send({"type": "http.response.start", "status": 200, "headers": [header]})
    await send({"type": "http.response.body", "body": b"said"})
`;

interface Hostile {
  readonly name: string;
  readonly source: string;
  readonly file?: string;
  readonly manifest?: Record<string, unknown>;
}

const deno = { runtime: "deno" };
const worker = { runtime: "deno", isolation: "worker" };
const python = { file: "index.py", manifest: { runtime: "python" } };
const hasPython = Bun.which("python3", { PATH: "/usr/bin" }) !== null;

const hostiles: readonly Hostile[] = [
  { name: "bun-fetch", source: fetching, manifest: routeBelow("edge") },
  { name: "bun-event", source: event },
  { name: "bun-defined", source: defined },
  { name: "bun-cookies", source: cookies },
  { name: "node-fetch", source: fetching, manifest: { runtime: "node" } },
  { name: "node-event", source: event, manifest: { runtime: "node" } },
  { name: "deno-fetch", source: fetching, manifest: deno },
  { name: "deno-event", source: event, manifest: deno },
  { name: "worker-fetch", source: fetching, manifest: worker },
  { name: "worker-event", source: event, manifest: worker },
  ...(hasPython
    ? [
        { name: "python-event", source: pythonEvent, ...python },
        { name: "python-generator", source: pythonGenerator, ...python },
        { name: "python-asgi", source: pythonAsgi, ...python },
      ]
    : []),
];

beforeAll(async () => {
  server = await startServer({ runtimes: "all" });
  for (const { name, source, file = "index.ts", manifest } of hostiles) {
    const limits = { timeout_ms: 2000 };
    const text = JSON.stringify({ name, access: "public", limits, ...manifest });
    const deployment = await server.client.deploy(name, {
      files: new Map([
        [file, Buffer.from(source)],
        ["reactor.json", Buffer.from(text)],
      ]),
      promote: true,
      createFunction: true,
    });
    expect(deployment.failure ?? null).toBeNull();
    await server.client.setAlias(name, "beta", [{ revision: 1, weight: 100 }]);
  }
}, 60_000);

afterAll(async () => {
  await server.stop();
});

/** The answer's head; there is exactly one answer on the wire. */
async function said(
  to: { readonly host: string; readonly target: string },
  header: { readonly name: string; readonly value: string },
): Promise<string> {
  const body = Buffer.from(JSON.stringify(header));
  const lines = [
    `Host: ${to.host}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    "Connection: close",
  ];
  const head = `POST ${to.target} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
  const { answers } = await rawExchange(server.port, [head, body]);
  expect({ ...to, answers: answers.length }).toEqual({ ...to, answers: 1 });
  return answers[0]?.head ?? "";
}

describe.each(hostiles.map(({ name }) => name))("what %s says in a header", (name) => {
  const to = { host: "x", target: `/fn/v1/${name}` };

  test("passes when it is honest", async () => {
    const header =
      name === "bun-cookies" ? { name: "a", value: "b" } : { name: "x-said", value: "b" };
    const head = await said(to, header);
    expect(head).toStartWith("HTTP/1.1 200 ");
    expect(head.toLowerCase()).toContain(name === "bun-cookies" ? "set-cookie: a=b" : "x-said: b");
  });

  test("never splits its answer", async () => {
    for (const [what, value] of Object.entries(headerPayloads)) {
      const head = await said(to, { name: "x-said", value });
      expect({ what, bad: splitLines(head) }).toEqual({ what, bad: [] });
      expect(head).toMatch(/^HTTP\/1\.1 (?:200|500|502) /);
    }
    const bad = await said(to, { name: "x\r\nInjected", value: "a" });
    expect(splitLines(bad)).toEqual([]);
  });
});

describe.each([
  ...[...waysToFunction("bun-fetch"), wayBelow("edge")].map(
    ({ name, host, prefix }) => [name, host, `${prefix}/x`] as const,
  ),
  ["invoke", invokeWay("").host, invokeWay("bun-fetch").prefix] as const,
])("by the way of %s", (_, host, target) => {
  test("nothing that a function says splits its answer", async () => {
    for (const [what, value] of Object.entries(headerPayloads)) {
      const head = await said({ host, target }, { name: "x-said", value });
      expect({ what, bad: splitLines(head) }).toEqual({ what, bad: [] });
      expect(head).not.toStartWith("HTTP/1.1 404 ");
    }
  });
});
