import { expect, test } from "bun:test";
import { adaptEventHandler } from "./event-shape.ts";

const echo = adaptEventHandler((event) => ({ event }));

function post(body: string | Uint8Array<ArrayBuffer>, type?: string): Request {
  const headers = type === undefined ? undefined : { "content-type": type };
  return new Request("http://h/a/b?x=1&y=2&x=3", {
    method: "POST",
    body,
    ...(headers && { headers }),
  });
}

async function eventOf(request: Request): Promise<unknown> {
  return ((await (await echo(request, {})).json()) as { event: unknown }).event;
}

async function answer(result: unknown): Promise<Response> {
  return adaptEventHandler(() => result)(new Request("http://h/"), {});
}

test("the argument is the parsed JSON body, and context is passed on", async () => {
  expect(await eventOf(post('{"a":[1]}'))).toEqual({ a: [1] });
  expect(await eventOf(post("7", "application/vnd.x+json; charset=utf-8"))).toBe(7);
  const context = { requestId: "r" };
  const seen = adaptEventHandler((_event, given) => ({ same: given === context }));
  expect(await (await seen(post("{}"), context)).json()).toEqual({ same: true });
});

const notJson: Readonly<Record<string, [string, string | undefined]>> = {
  "plain text": ["hello", "text/plain"],
  "a number without a JSON type": ["123", "text/plain"],
  "malformed JSON": ['{"a":', "application/json"],
  "an empty body": ["", "application/json"],
  "a body with a key __proto__": ['{"__proto__":{"polluted":1}}', "application/json"],
  "an escaped key __proto__": ['{"\\u005f_proto__":{"polluted":1}}', "application/json"],
};

for (const [name, [body, type]] of Object.entries(notJson)) {
  test(`${name} gives an event that describes the request`, async () => {
    expect(await eventOf(post(body, type))).toMatchObject({
      method: "POST",
      url: "http://h/a/b?x=1&y=2&x=3",
      path: "/a/b",
      query: { x: ["1", "3"], y: "2" },
      headers: { "content-type": type as string },
      body,
      isBase64Encoded: false,
    });
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
}

test("a body that is not UTF-8 comes in base64", async () => {
  const event = await eventOf(post(new Uint8Array([0, 255, 10])));
  expect(event).toMatchObject({ body: "AP8K", isBase64Encoded: true });
});

test("a query named __proto__ is a plain entry", async () => {
  const event = await adaptEventHandler((given) => ({
    own: Object.hasOwn((given as { query: object }).query, "__proto__"),
  }))(new Request("http://h/?__proto__=x"), {});
  expect(await event.json()).toEqual({ own: true });
});

test("nesting that no parser takes is no event of the author's code but a described request", async () => {
  const body = "[".repeat(2_000_000);
  expect(await eventOf(post(body))).toMatchObject({ method: "POST", isBase64Encoded: false });
});

test("a Response passes, undefined is 204 and anything else is JSON", async () => {
  const response = new Response("mine");
  expect(await answer(response)).toBe(response);
  const nothing = await answer(undefined);
  expect([nothing.status, await nothing.text()]).toEqual([204, ""]);
  for (const value of [null, 0, "", "text", [1], { status: "active" }, { status: 200 }]) {
    const sent = await answer(value);
    expect(sent.headers.get("content-type")).toBe("application/json");
    expect(await sent.json()).toEqual(value as object);
  }
});

test("statusCode or status with headers and body is an HTTP response", async () => {
  const sent = await answer({
    statusCode: 201,
    headers: { "x-a": "1", b: ["1", "2"] },
    body: '{"a":1}',
  });
  expect(sent.status).toBe(201);
  expect([...sent.headers]).toEqual([
    ["b", "1, 2"],
    ["content-type", "application/json"],
    ["x-a", "1"],
  ]);
  expect(await sent.text()).toBe('{"a":1}');
  const html = await answer({ status: 404, headers: { "Content-Type": "text/html" }, body: "1" });
  expect([html.status, html.headers.get("content-type")]).toEqual([404, "text/html"]);
  expect((await answer({ statusCode: 200, body: "no json" })).headers.get("content-type")).toMatch(
    /^text\/plain/,
  );
  expect(await (await answer({ statusCode: 200, body: { a: 1 } })).json()).toEqual({ a: 1 });
  expect((await answer({ statusCode: 204, body: "dropped" })).body).toBeNull();
});

test("a base64 body is sent as its bytes", async () => {
  const sent = await answer({ statusCode: 200, body: "AP8K", isBase64Encoded: true });
  expect([...(await sent.bytes())]).toEqual([0, 255, 10]);
});

const unusable: Readonly<Record<string, [unknown, RegExp]>> = {
  "a status out of range": [{ statusCode: 99, body: "" }, /status 99, must be/],
  "a status of text": [{ statusCode: "200", body: "" }, /status "200", must be/],
  "headers that are no object": [{ statusCode: 200, headers: ["a"] }, /no object of names/],
  "base64 that is none": [{ statusCode: 200, body: "%%", isBase64Encoded: true }, /not base64/],
  "a function": [() => 1, /a function, which JSON cannot hold/],
  "a header with a line break": [{ statusCode: 200, headers: { a: "b\r\nc: d" } }, /header/i],
};

for (const [name, [result, message]] of Object.entries(unusable)) {
  test(`${name} is an error of the handler that says so`, async () => {
    expect(await answer(result).catch(String)).toMatch(message);
  });
}
