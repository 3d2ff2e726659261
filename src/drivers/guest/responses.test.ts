import { afterAll, beforeAll, expect, test } from "bun:test";
import { GuestHarness, type HarnessRequest } from "./guest.harness.ts";

// One module with a case per response kind; the request's `x-case` header selects it.
const code = `
const bytes = new Uint8Array([0, 255, 128, 10]);
const cases = {
  json: () => Response.json({ a: "ü" }),
  jsonInit: () => Response.json({ a: 1 }, { status: 201, headers: { "x-a": "1" } }),
  jsonTyped: () => Response.json({}, { headers: { "content-type": "application/problem+json" } }),
  text: () => new Response("grüße"),
  typed: () => new Response("<p>", { headers: { "Content-Type": "text/html" } }),
  large: () => new Response("ab".repeat(500_000)),
  empty: () => new Response(),
  nothing: () => new Response(null, { status: 204 }),
  unchanged: () => new Response(null, { status: 304, headers: { etag: '"1"' } }),
  bytes: () => new Response(bytes),
  arrayBuffer: () => new Response(bytes.buffer),
  params: () => new Response(new URLSearchParams({ a: "b c" })),
  blob: () => new Response(new Blob(["bl", "ob"], { type: "text/x-blob" })),
  form: () => { const form = new FormData(); form.set("k", "v"); return new Response(form); },
  file: () => new Response(Bun.file(process.argv[1])),
  stream: () => new Response(new ReadableStream({ start(c) { c.enqueue("te"); c.enqueue(new TextEncoder().encode("xt")); c.enqueue(new Uint16Array([0x2121])); c.close(); } })),
  generator: () => new Response((async function* () { yield "one "; yield "two"; })()),
  transform: () => new Response(new Response("through").body.pipeThrough(new TransformStream())),
  clone: () => new Response("cloned").clone(),
  fetched: () => fetch("data:text/plain,fetched"),
  cookies: () => { const headers = new Headers(); for (let i = 0; i < 3; i++) headers.append("set-cookie", "c" + i + "=v; Path=/"); return new Response("c", { headers }); },
  subclass: () => { class Mine extends Response { mine() { return "mine"; } } const r = new Mine("sub", { headers: { "x-mine": "1" } }); return r.mine() === "mine" && r instanceof Response ? r : Response.json("broken"); },
  redirect: () => Response.redirect("https://example.com/x", 303),
  mutated: () => { const a = new Response("a"); a.headers.set("content-type", "x/changed"); return new Response("b"); },
  asyncText: async () => { await 1; return new Response("later"); },
  thenable: () => ({ then(resolve) { resolve(new Response("thenable")); } }),
  identity: async () => Response.json([
    new Response("x") instanceof Response, (await fetch("data:,x")) instanceof Response,
    Response.name, new Response("x").constructor === Response, Response.error().type,
    Object.prototype.toString.call(new Response()), await new Response("body").text(), Object.keys(new Response("x")),
  ]),
  uncalled: () => { try { Response("x"); return new Response("no error"); } catch (error) { return new Response(error.name); } },
  unserializable: () => { try { return Response.json(undefined); } catch (error) { return new Response(error.name); } },
  emptyStream: () => new Response(new ReadableStream({ start(c) { c.close(); } })),
  // Not usable:
  used: async () => { const r = new Response("x"); await r.text(); return r; },
  undefined: () => undefined,
  asyncNull: async () => null,
  plain: () => ({ status: 200 }),
  error: () => Response.error(),
  switching: () => new Response(null, { status: 101 }),
  throws: () => { throw new TypeError("boom", { cause: new Error("the cause") }); },
  rejects: async () => { await 1; throw new RangeError("later boom"); },
  throwsText: () => { throw "just text"; },
  throwsObject: () => { throw { code: 1 }; },
  throwsHostile: () => { throw { get message() { throw new Error("no"); } }; },
  badHeader: () => new Response("x", { headers: { "x-a": "a\\r\\nset-cookie: b" } }),
  badStream: () => new Response(new ReadableStream({ start(c) { c.enqueue("part"); }, pull(c) { c.error(new Error("stream broke")); } })),
  badChunk: () => new Response(new ReadableStream({ start(c) { c.enqueue("part"); c.enqueue({}); c.close(); } })),
};
export default { fetch: (request, ctx) => cases[request.headers.get("x-case")](request, ctx) };
`;

let guest: GuestHarness;
beforeAll(async () => {
  guest = await GuestHarness.start(code);
});
afterAll(() => guest.stop());

function send(name: string, request: HarnessRequest = {}): ReturnType<GuestHarness["request"]> {
  return guest.request({ ...request, headers: ["x-case", name] });
}

interface Answer {
  readonly body: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

const text = "text/plain;charset=utf-8";
const json = "application/json;charset=utf-8";

const answers: Readonly<Record<string, Answer>> = {
  json: { body: '{"a":"ü"}', headers: { "content-type": json } },
  jsonInit: { body: '{"a":1}', status: 201, headers: { "content-type": json, "x-a": "1" } },
  jsonTyped: { body: "{}", headers: { "content-type": "application/problem+json" } },
  text: { body: "grüße", headers: { "content-type": text } },
  typed: { body: "<p>", headers: { "content-type": "text/html" } },
  large: { body: "ab".repeat(500_000), headers: { "content-type": text } },
  empty: { body: "" },
  nothing: { body: "", status: 204 },
  unchanged: { body: "", status: 304, headers: { etag: '"1"' } },
  bytes: { body: Buffer.from([0, 255, 128, 10]).toString("utf8") },
  arrayBuffer: { body: Buffer.from([0, 255, 128, 10]).toString("utf8") },
  params: {
    body: "a=b+c",
    headers: { "content-type": "application/x-www-form-urlencoded;charset=UTF-8" },
  },
  blob: { body: "blob", headers: { "content-type": "text/x-blob" } },
  stream: { body: "text!!" },
  generator: { body: "one two" },
  transform: { body: "through" },
  clone: { body: "cloned", headers: { "content-type": text } },
  fetched: { body: "fetched", headers: { "content-type": text } },
  subclass: { body: "sub", headers: { "x-mine": "1" } },
  redirect: { body: "", status: 303, headers: { location: "https://example.com/x" } },
  mutated: { body: "b", headers: { "content-type": text } },
  asyncText: { body: "later" },
  thenable: { body: "thenable" },
  identity: {
    body: JSON.stringify([true, true, "Response", true, "error", "[object Response]", "body", []]),
  },
  uncalled: { body: "TypeError" },
  unserializable: { body: "TypeError" },
  emptyStream: { body: "" },
};

for (const [name, answer] of Object.entries(answers)) {
  test(`a response of kind "${name}" arrives as the platform would send it`, async () => {
    const exchange = send(name);
    expect(await exchange.text()).toBe(answer.body);
    expect((await exchange.responseHead).status).toBe(answer.status ?? 200);
    for (const [header, value] of Object.entries(answer.headers ?? {})) {
      expect(await exchange.header(header)).toBe(value);
    }
  });
}

test("a form has its boundary in the content type", async () => {
  const exchange = send("form");
  const body = await exchange.text();
  const type = await exchange.header("content-type");
  const boundary = /^multipart\/form-data; boundary=(.+)$/.exec(type ?? "")?.[1];
  expect(boundary).toBeTruthy();
  expect(body).toContain(`name="k"\r\n\r\nv\r\n--${boundary?.replaceAll('"', "")}--`);
});

test("a file is sent from the disk", async () => {
  expect((await send("file").text()).length).toBeGreaterThan(10_000);
});

test("each Set-Cookie header stays a header of its own", async () => {
  const { headers } = await send("cookies").responseHead;
  const cookies = headers.filter((_, i) => headers[i - 1] === "set-cookie" && i % 2 === 1);
  expect(cookies).toEqual(["c0=v; Path=/", "c1=v; Path=/", "c2=v; Path=/"]);
});

test("a small text or JSON response is one frame", async () => {
  const exchange = send("json");
  await exchange.outcome;
  expect(exchange.events).toEqual(["head", "end"]);
});

for (const name of ["text", "stream", "bytes", "json"]) {
  test(`HEAD of "${name}" has the headers and no body`, async () => {
    const exchange = send(name, { method: "HEAD" });
    expect(await exchange.text()).toBe("");
    expect((await exchange.responseHead).status).toBe(200);
    const bodyBytes = { text: "7", json: "10" }[name];
    expect(await exchange.header("content-length")).toBe(bodyBytes);
  });
}

const failures: Readonly<Record<string, { kind: string; message: RegExp; stack?: RegExp }>> = {
  used: { kind: "threw", message: /body was read already/ },
  undefined: { kind: "threw", message: /returned nothing, must return a Response/ },
  asyncNull: { kind: "threw", message: /returned null/ },
  plain: { kind: "threw", message: /returned a value of type object/ },
  error: { kind: "threw", message: /status 0/ },
  switching: { kind: "threw", message: /status 101/ },
  throws: {
    kind: "threw",
    message: /^boom$/,
    stack: /TypeError: boom[\s\S]*code\/index\.ts:\d+[\s\S]*Caused by: Error: the cause/,
  },
  rejects: {
    kind: "threw",
    message: /^later boom$/,
    stack: /RangeError[\s\S]*code\/index\.ts:\d+/,
  },
  throwsText: { kind: "threw", message: /^just text$/ },
  throwsObject: { kind: "threw", message: /\{"code":1\}/ },
  throwsHostile: { kind: "threw", message: /cannot be described/ },
  badHeader: { kind: "threw", message: /invalid value/i },
  badStream: { kind: "body_failed", message: /stream broke/ },
  badChunk: { kind: "body_failed", message: /type object: chunks must be bytes or strings/ },
};

for (const [name, expected] of Object.entries(failures)) {
  test(`a handler of kind "${name}" fails as ${expected.kind} with a clear message`, async () => {
    const exchange = send(name);
    const failure = await exchange.outcome;
    expect(failure?.kind).toBe(expected.kind as "threw");
    expect(failure?.message).toMatch(expected.message);
    if (expected.stack !== undefined) {
      expect(failure !== undefined && "stack" in failure ? failure.stack : "").toMatch(
        expected.stack,
      );
    }
    expect(exchange.events.includes("head")).toBe(expected.kind === "body_failed");
  });
}
