import { expect, test } from "bun:test";
import type { Instance } from "../driver.ts";
import { openFunctionContext } from "./function-context.harness.ts";

const context = openFunctionContext();

async function answer(instance: Instance, body: string) {
  const { status, headers, ...recording } = await context.fetch(instance, { body });
  return { status, headers, recording };
}

const echoes: Readonly<Record<string, string>> = {
  "a sync handler": "def handler(event):\n    return event\n",
  "an async handler": "async def handler(event):\n    return event\n",
  "a handler whose second parameter has a default":
    "def handler(event, context=None):\n    return event if context else None\n",
  "a handler that takes anything": "def handler(*values):\n    return values[0]\n",
  "an object that can be called":
    "class Echo:\n    def __call__(self, event, context):\n        return event\n\nhandler = Echo()\n",
  "a handler behind a decorator that hides that it is async": `
import functools

def traced(function):
    @functools.wraps(function)
    def call(*values):
        return function(*values)
    return call

@traced
async def handler(event):
    return event
`,
  "a partial":
    "import functools\n\ndef add(extra, event):\n    return event\n\nhandler = functools.partial(add, 1)\n",
};

for (const [name, source] of Object.entries(echoes)) {
  test(`${name} gets the event and is recorded as event`, async () => {
    const instance = await context.function(source);
    expect(instance.shape).toBe("event");
    const echoed = await context.ok(instance, { body: '{"a":[1,"é"]}' });
    expect(echoed.text()).toBe('{"a":[1,"é"]}');
    expect(echoed.headers).toEqual(["content-type", "application/json"]);
  });
}

test("the manifest's handler names another function", async () => {
  const source = "def handler(event):\n    return 1\n\ndef other(event):\n    return 2\n";
  const instance = await context.function(source, { handler: "other" });
  expect((await context.ok(instance)).text()).toBe("2");
});

test("None is 204, bytes are binary, a tuple is a JSON array", async () => {
  const source = `
results = {"none": None, "bytes": b"\\x00\\xff", "tuple": (1, "two")}

def handler(event):
    return results[event["kind"]]
`;
  const instance = await context.function(source);
  const none = await answer(instance, '{"kind":"none"}');
  expect([none.status, none.headers]).toEqual([204, []]);
  const bytes = await context.ok(instance, { body: '{"kind":"bytes"}' });
  expect([...bytes.body()]).toEqual([0, 255]);
  expect(bytes.header("content-type")).toEqual(["application/octet-stream"]);
  expect((await context.ok(instance, { body: '{"kind":"tuple"}' })).text()).toBe('[1,"two"]');
});

const streams: Readonly<Record<string, string>> = {
  "a generator": `
def handler(event):
    yield "one "
    yield b"two "
    yield "three"
`,
  "an async generator": `
async def handler(event):
    yield "one "
    yield b"two "
    yield "three"
`,
  "a sync handler that returns a generator": `
def handler(event):
    return (word for word in ("one ", b"two ", "three"))
`,
  "an async handler that returns a generator as the body": `
async def handler(event):
    body = (word for word in ("one ", "two ", "three"))
    return {"statusCode": 200, "headers": {"content-type": "text/plain;charset=utf-8"}, "body": body}
`,
  "a sync handler that returns an async generator": `
async def words():
    yield "one "
    yield "two three"

def handler(event):
    return words()
`,
};

for (const [name, source] of Object.entries(streams)) {
  test(`${name} streams`, async () => {
    const answered = await context.ok(await context.function(source));
    expect(answered.text()).toBe("one two three");
    expect(answered.header("content-type")).toEqual(["text/plain;charset=utf-8"]);
  });
}

test("a generator's first dict is the head, and its chunks leave one by one", async () => {
  const source = `
import threading

turns = threading.Semaphore(0)

def ticks():
    yield {"statusCode": 201, "headers": {"content-type": "text/event-stream"}}
    for number in range(3):
        turns.acquire()
        yield f"data: {number}\\n\\n"

def handler(event):
    if event["path"] == "/tick":
        turns.release()
        return None
    return ticks()
`;
  const instance = await context.function(source);
  const stream = context.call(instance, { path: "/" });
  await context.within(
    stream.until(() => stream.status === 201),
    "the head",
  );
  for (let number = 0; number < 3; number++) {
    await context.fetch(instance, { path: "/tick" });
    await context.within(
      stream.until(() => stream.text().endsWith(`data: ${number}\n\n`)),
      `chunk ${number}`,
    );
  }
  await context.done(stream);
  expect(stream.header("content-type")).toEqual(["text/event-stream"]);
});

test("an empty generator is an empty answer", async () => {
  const empty = await context.ok(
    await context.function("def handler(event):\n    yield from ()\n"),
  );
  expect(empty.text()).toBe("");
});

test("a chunk that is no text or bytes fails the body with a message that says so", async () => {
  const instance = await context.function("def handler(event):\n    yield 'a'\n    yield 1\n");
  const cut = await context.fetch(instance);
  expect(cut.failure?.kind).toBe("body_failed");
  expect(JSON.stringify(cut.failure)).toContain("chunk of type int");
});

const unusable: readonly (readonly [string, RegExp])[] = [
  ['return {"statusCode": 99}', /status 99, must be a whole number from 200 to 599/],
  ['return {"statusCode": True, "body": ""}', /status True, must be/],
  ["return {1, 2}", /a set, which JSON cannot hold/],
  ['return {"a": float("nan")}', /JSON cannot hold/],
  ['return {"statusCode": 200, "headers": ["a"]}', /headers that are no dict/],
  ['return {"statusCode": 200, "headers": {"a": "\\u4f60"}}', /limited to Latin-1/],
  ['return {"statusCode": 200, "headers": {"a": "b\\0c"}}', /NUL/],
  ['return {"statusCode": 200, "body": "%%", "isBase64Encoded": True}', /not base64/],
];

test("a result that is no answer fails the request and nothing else", async () => {
  const cases = unusable.map(([line], at) => `    if event == ${at}:\n        ${line}`).join("\n");
  const instance = await context.function(
    `def handler(event):\n    event = event["n"]\n${cases}\n`,
  );
  for (const [at, [, message]] of unusable.entries()) {
    const { failure } = await context.fetch(instance, { body: `{"n":${at}}` });
    expect(failure?.kind).toBe("threw");
    expect(failure?.kind === "threw" && failure.message).toMatch(message);
  }
});

const large: Readonly<Record<string, string>> = {
  "a sync handler":
    "def handler(event):\n    return {'statusCode': 200, 'body': 'é' * 2_500_000}\n",
  "an async handler":
    "async def handler(event):\n    return {'statusCode': 200, 'body': 'é' * 2_500_000}\n",
  "a generator's one chunk": "def handler(event):\n    yield 'é' * 2_500_000\n",
  "an async generator's one chunk": "async def handler(event):\n    yield 'é' * 2_500_000\n",
  "an ASGI application's one message": `
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": ("é" * 2_500_000).encode()})
`,
};

for (const [name, source] of Object.entries(large)) {
  test(`5 MB from ${name} arrive whole, under backpressure, and can be cancelled`, async () => {
    const instance = await context.function(source);
    expect((await context.ok(instance)).bytes).toBe(5_000_000);
    const held = context.call(instance, { consume: false });
    await context.within(
      held.until(() => held.bytes > 0),
      "the first bytes",
    );
    await context.rounds(instance, 5);
    expect(held.isDone).toBe(false);
    held.stream.cancel("client left");
    await context.done(held);
    expect(held.failure).toEqual({ kind: "cancelled" });
    expect((await context.ok(instance)).bytes).toBe(5_000_000);
  });
}

test("HEAD of a handler has the length of the body that is not sent", async () => {
  const instance = await context.function("def handler(event):\n    return {'a': 'é'}\n");
  const head = await context.ok(instance, { method: "HEAD" });
  expect([head.bytes, head.header("content-length")]).toEqual([0, ["10"]]);
});

test("a stream to a HEAD request runs no further than its head", async () => {
  const instance = await context.function(`
import threading

closed = threading.Event()

def ticks():
    try:
        yield {"headers": {"x-kind": "ticks"}}
        while True:
            yield "tick"
    finally:
        closed.set()

def handler(event):
    if event["method"] == "HEAD":
        return ticks()
    closed.wait()
    return "closed"
`);
  const head = await context.ok(instance, { method: "HEAD" });
  expect([head.bytes, head.header("x-kind")]).toEqual([0, ["ticks"]]);
  expect((await context.ok(instance)).text()).toBe('"closed"');
});
