import { expect, test } from "bun:test";
import type { Recording } from "../suite/recording.ts";
import { openFunctionContext } from "./function-context.harness.ts";

const context = openFunctionContext();

async function ended(recording: Recording): Promise<Recording> {
  return context.done(recording);
}

/** /sleep blocks its thread until /wake; /count says how many sleep. */
const sleeper = `
import threading

wake = threading.Event()
asleep = 0
lock = threading.Condition()

def handler(event, context):
    global asleep
    if event["path"] == "/sleep":
        with lock:
            asleep += 1
            lock.notify_all()
        wake.wait()
        return "woken"
    if event["path"] == "/asleep":
        with lock:
            lock.wait_for(lambda: asleep >= int(event["query"]["n"]))
        return "asleep"
    if event["path"] == "/wake":
        wake.set()
    return "awake"
`;

test("sync handlers that block do not block their neighbours", async () => {
  const instance = await context.function(sleeper);
  const sleeping = Array.from({ length: 8 }, () => context.call(instance, { path: "/sleep" }));
  await context.ok(instance, { path: "/asleep?n=8" });
  expect((await context.ok(instance)).text()).toBe('"awake"');
  expect(await instance.responds(5000)).toBe(true);
  await context.ok(instance, { path: "/wake" });
  for (const recording of sleeping) expect((await ended(recording)).text()).toBe('"woken"');
});

test("a sync handler that is cancelled counts until it is done, and its neighbours go on", async () => {
  const instance = await context.function(sleeper);
  const sleeping = context.call(instance, { path: "/sleep" });
  await context.ok(instance, { path: "/asleep?n=1" });
  sleeping.stream.cancel("client left");
  await context.rounds(instance, 5);
  expect(sleeping.isDone).toBe(false);
  expect((await context.ok(instance)).text()).toBe('"awake"');
  await context.ok(instance, { path: "/wake" });
  expect((await ended(sleeping)).failure).toEqual({ kind: "cancelled" });
});

test("a cancel sets the signal that a sync handler waits for, and calls its listeners", async () => {
  const instance = await context.function(`
import threading

waiting = threading.Event()
heard = threading.Event()

def handler(event, context):
    if event["path"] == "/wait":
        context.signal.add_callback(lambda: (print("listener"), heard.set()))
        waiting.set()
        print("told" if context.signal.wait(60) else "never told", context.signal.reason)
        return None
    waiting.wait()
    if event["path"] == "/heard":
        heard.wait()
    return "ok"
`);
  const recording = context.call(instance, { path: "/wait" });
  await context.ok(instance, { path: "/waiting" });
  recording.stream.cancel("client left");
  expect((await ended(recording)).failure).toEqual({ kind: "cancelled" });
  await context.ok(instance, { path: "/heard" });
  for (const text of ["told client left", "listener"]) {
    await context.logged(() => context.logs.some((line) => line.message === text), text);
    const line = context.logs.find(({ message }) => message === text);
    expect(line?.requestId).toStartWith("req-");
  }
});

test("a cancel ends an async handler at its next await, with its clean-up done first", async () => {
  const instance = await context.function(`
import asyncio

async def handler(event):
    if event["path"] == "/":
        return "ok"
    print("began")
    try:
        await asyncio.sleep(3600)
    finally:
        await asyncio.sleep(0)
        print("cleaned up")
`);
  const recording = context.call(instance, { path: "/sleep" });
  await context.logged(() => context.logs.some(({ message }) => message === "began"), "began");
  recording.stream.cancel("client left");
  expect((await ended(recording)).failure).toEqual({ kind: "cancelled" });
  expect(context.logs.some(({ message }) => message === "cleaned up")).toBe(true);
  expect((await context.ok(instance)).text()).toBe('"ok"');
});

test.each(["event", "asgi"])(
  "a cancel that comes before an async handler has begun is confirmed: %s",
  async (shape) => {
    // /hold keeps the event loop until it is cancelled itself, so that nothing else begins.
    const body = `
    if path == "/hold":
        print("held")
        context.signal.wait(60)
    elif path == "/early":
        print("began early")`;
    const sources = {
      event: `async def handler(event, context):\n    path = event["path"]${body}\n    return "ok"\n`,
      asgi: `async def app(scope, receive, send):
    if scope["type"] != "http":
        raise ValueError("no lifespan")
    path, context = scope["path"], scope["extensions"]["reactor"]${body}
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": b"ok"})
`,
    };
    const heldBefore = context.logs.filter(({ message }) => message === "held").length;
    const instance = await context.function(shape === "asgi" ? sources.asgi : sources.event);
    const holding = context.call(instance, { path: "/hold" });
    await context.logged(
      () => context.logs.filter(({ message }) => message === "held").length > heldBefore,
      "held",
    );
    const early = Array.from({ length: 8 }, () => context.call(instance, { path: "/early" }));
    for (const recording of early) recording.stream.cancel("client left");
    holding.stream.cancel("client left");
    for (const recording of [...early, holding]) {
      expect((await ended(recording)).failure).toEqual({ kind: "cancelled" });
    }
    await context.ok(instance);
    expect(context.logs.some(({ message }) => message === "began early")).toBe(false);
  },
);

test("a cancel amid the sync part of a handler that gives an awaitable is confirmed", async () => {
  const instance = await context.function(`
async def later():
    return "ok"

def handler(event, context):
    if event["path"] == "/wait":
        print("waits")
        context.signal.wait(60)
    return later()
`);
  const recording = context.call(instance, { path: "/wait" });
  await context.logged(() => context.logs.some(({ message }) => message === "waits"), "waits");
  recording.stream.cancel("client left");
  expect((await ended(recording)).failure).toEqual({ kind: "cancelled" });
  expect((await context.ok(instance)).text()).toBe('"ok"');
});

test("a cancel closes a generator, sync or async", async () => {
  const instance = await context.function(`
import threading

closed = threading.Semaphore(0)

def sync_ticks():
    try:
        while True:
            yield "tick"
    finally:
        closed.release()

async def async_ticks():
    try:
        while True:
            yield "tick"
    finally:
        closed.release()

def handler(event):
    if event["path"] == "/closed":
        closed.acquire()
        return "closed"
    return sync_ticks() if event["path"] == "/sync" else async_ticks()
`);
  for (const path of ["/sync", "/async"]) {
    const recording = context.call(instance, { path, consume: false });
    await context.within(
      recording.until(() => recording.bytes > 0),
      "the first chunk",
    );
    recording.stream.cancel("client left");
    expect((await ended(recording)).failure).toEqual({ kind: "cancelled" });
    expect((await context.ok(instance, { path: "/closed" })).text()).toBe('"closed"');
  }
});

test("an async handler that blocks the event loop makes the instance stuck", async () => {
  const instance = await context.function(
    "import time\n\nasync def handler(event):\n    time.sleep(3600)\n",
  );
  const recording = context.call(instance);
  expect(await instance.responds(300)).toBe(false);
  await instance.stop({ graceMs: 0 });
  await ended(recording);
});

test("stop() with grace waits for wait_until, sync and async, and for a lifespan's end", async () => {
  const instance = await context.function(`
import asyncio
import threading

async def later(context):
    await asyncio.sleep(0.05)
    print("async work done")

def work():
    threading.Event().wait(0.05)
    print("thread work done")

def handler(event, context):
    context.wait_until(later(context))
    context.wait_until(work)
    return "answered"
`);
  await context.ok(instance);
  expect(await instance.stop({ graceMs: 10_000 })).toEqual({ reason: "stopped" });
  for (const text of ["async work done", "thread work done"]) {
    expect(context.logs.find(({ message }) => message === text)?.requestId).toStartWith("req-");
  }
});
