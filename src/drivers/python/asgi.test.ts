import { expect, test } from "bun:test";
import { openFunctionContext } from "./function-context.harness.ts";

const context = openFunctionContext();

test("an application gets the whole HTTP scope and is recorded as asgi", async () => {
  const instance = await context.function(`
import json

async def app(scope, receive, send):
    assert scope["type"] == "http", scope["type"]
    shown = {key: scope[key] for key in ("method", "scheme", "path", "root_path", "http_version")}
    shown["raw_path"] = scope["raw_path"].decode()
    shown["query_string"] = scope["query_string"].decode()
    shown["server"] = list(scope["server"])
    shown["client"] = scope["client"]
    shown["headers"] = [[name.decode(), value.decode("latin-1")] for name, value in scope["headers"]]
    shown["request_id"] = scope["extensions"]["reactor"].request_id
    body = json.dumps(shown).encode()
    headers = [(b"content-type", b"application/json"), (b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
`);
  expect(instance.shape).toBe("asgi");
  const answered = await context.ok(instance, {
    method: "PATCH",
    path: "/caf%C3%A9/b?x=1&y=%20",
    headers: ["X-Many", "1", "x-many", "2", "x-latin", "caf\xe9"],
  });
  expect(answered.json()).toEqual({
    method: "PATCH",
    scheme: "http",
    path: "/café/b",
    root_path: "",
    http_version: "1.1",
    raw_path: "/caf%C3%A9/b",
    query_string: "x=1&y=%20",
    server: ["suite.example", 80],
    client: null,
    headers: [
      ["x-many", "1"],
      ["x-many", "2"],
      ["x-latin", "caf\xe9"],
    ],
    request_id: "req-1",
  });
  expect(answered.header("set-cookie")).toEqual(["a=1", "b=2"]);
});

test("start-up runs before the first request with state that requests share, and shutdown at the end", async () => {
  const instance = await context.function(`
import json

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        assert (await receive())["type"] == "lifespan.startup"
        scope["state"]["pool"] = ["open"]
        print("started up")
        await send({"type": "lifespan.startup.complete"})
        assert (await receive())["type"] == "lifespan.shutdown"
        print("shut down")
        await send({"type": "lifespan.shutdown.complete"})
        return
    scope["state"]["pool"].append("used")
    scope["state"]["own"] = True
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": json.dumps(scope["state"]).encode()})
`);
  expect(context.logs.some(({ message }) => message === "started up")).toBe(true);
  await context.ok(instance);
  const second = await context.ok(instance);
  expect(second.json()).toEqual({ pool: ["open", "used", "used"], own: true });
  expect(await instance.stop({ graceMs: 10_000 })).toEqual({ reason: "stopped" });
  expect(context.logs.some(({ message }) => message === "shut down")).toBe(true);
});

test("a start-up that fails is a deployment that fails with its message", async () => {
  const { message } = await context.failure({
    "index.py": `
async def app(scope, receive, send):
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database"})
`,
  });
  expect(message).toContain("start-up failed: no database");
});

test("a class with __call__ is an application, also under the manifest's name", async () => {
  const source = `
class Application:
    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            raise NotImplementedError
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"called"})

server = Application()
`;
  const instance = await context.function(source, { handler: "server" });
  expect((await context.ok(instance)).text()).toBe("called");
});

const misuses: Readonly<Record<string, readonly [string, string, RegExp]>> = {
  "a body before its head": [
    'await send({"type": "http.response.body", "body": b"x"})',
    "threw",
    /a body in state waiting/,
  ],
  "two heads": [
    'await send({"type": "http.response.start", "status": 200})\n    await send({"type": "http.response.start", "status": 200})',
    "threw",
    /second http\.response\.start/,
  ],
  "a status that is none": [
    'await send({"type": "http.response.start", "status": 42})',
    "threw",
    /status 42/,
  ],
  "a message of a WebSocket": [
    'await send({"type": "websocket.accept"})',
    "threw",
    /websocket\.accept.*which an HTTP response has not/,
  ],
  "a body without its end": [
    'await send({"type": "http.response.start", "status": 200})\n    await send({"type": "http.response.body", "body": b"x", "more_body": True})',
    "body_failed",
    /before it sent its last http\.response\.body/,
  ],
};

for (const [name, [statement, kind, message]] of Object.entries(misuses)) {
  test(`${name} fails the request and says so`, async () => {
    const instance = await context.function(`
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    ${statement}
`);
    const { failure } = await context.fetch(instance);
    expect(failure?.kind).toBe(kind as "threw");
    expect(JSON.stringify(failure)).toMatch(message);
  });
}

test("a client that leaves is a disconnect, and send() raises", async () => {
  const instance = await context.function(`
import asyncio

outcomes = asyncio.Queue()

async def watch(receive, send):
    kinds = [(await receive())["type"]]
    try:
        await send({"type": "http.response.body", "body": b"late"})
    except OSError as error:
        kinds.append(str(error))
    await outcomes.put(" ".join(kinds))

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    if scope["path"] == "/outcome":
        body = (await outcomes.get()).encode()
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": body})
        return
    assert (await receive())["type"] == "http.request"
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"first", "more_body": True})
    await asyncio.shield(asyncio.create_task(watch(receive, send)))
`);
  const recording = context.call(instance, { path: "/stream" });
  await context.within(
    recording.until(() => recording.bytes > 0),
    "the first chunk",
  );
  recording.stream.cancel("client left");
  await context.done(recording);
  const outcome = await context.ok(instance, { path: "/outcome" });
  expect(outcome.text()).toBe("http.disconnect The client is gone");
});

test("a lifespan that breaks after its start is logged, and requests go on", async () => {
  const instance = await context.function(`
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        raise RuntimeError("lifespan broke")
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"ok"})
`);
  expect((await context.ok(instance)).text()).toBe("ok");
  const broke = () =>
    context.logs.find(({ message }) => message === "RuntimeError: lifespan broke");
  await context.logged(() => broke() !== undefined, "the line");
  expect(broke()?.level).toBe("error");
});
