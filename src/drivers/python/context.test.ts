import { expect, test } from "bun:test";
import { openFunctionContext } from "./function-context.harness.ts";

const context = openFunctionContext();

test("the context has its names in snake_case, in camelCase and as AWS calls them", async () => {
  const instance = await context.function(
    `
def handler(event, context):
    return {
        "same": [
            context.request_id == context.requestId == context.aws_request_id,
            context.invocation_id == context.invocationId,
            context.function_name == context.functionName,
            context.deployment_id == context.deploymentId,
            context.memory_limit_mb == context.memoryLimitMB == context.memory_limit_in_mb,
            context.timeout_ms == context.timeoutMs,
            context.function_version == str(context.revision),
        ],
        "remaining": [0 < left() <= 30_000 for left in (
            context.remaining_ms, context.remainingMs, context.get_remaining_time_in_millis)],
        "caller": context.caller,
        "deadline": context.deadline > 1_600_000_000_000,
        "env": dict(context.env),
        "secret": context.secrets.get("TOKEN"),
        "shown": "hunter2" in repr(context) + repr(context.secrets),
    }
`,
    { env: { PLACE: "here" }, secrets: { TOKEN: "hunter2-long" } },
  );
  expect((await context.ok(instance)).json()).toEqual({
    same: Array.from({ length: 7 }, () => true),
    remaining: [true, true, true],
    caller: null,
    deadline: true,
    env: { PLACE: "here", TOKEN: "hunter2-long" },
    secret: "hunter2-long",
    shown: false,
  });
});

test("context.params has the route's parameters, decoded", async () => {
  const instance = await context.function(`
def handler(event, context):
    return dict(context.params)
`);
  const given = ["X-Reactor-Route-Params", "id=a%2Fb&note=7%2B&empty="];
  expect((await context.ok(instance, { headers: given })).json()).toEqual({
    id: "a/b",
    note: "7+",
    empty: "",
  });
  expect((await context.ok(instance)).json()).toEqual({});
});

test("what the context refuses says what is needed", async () => {
  const instance = await context.function(
    `
def attempt(work):
    try:
        work()
    except Exception as error:
        return f"{type(error).__name__}: {error}"

def change(context):
    context.env["A"] = "b"

def handler(event, context):
    return [
        attempt(lambda: context.secrets.get("PLACE")),
        attempt(lambda: context.secrets.get("MISSING")),
        attempt(lambda: context.db.sql("select 1")),
        attempt(lambda: change(context)),
        attempt(lambda: context.wait_until(42)),
    ]
`,
    { env: { PLACE: "here" } },
  );
  const texts = (await context.ok(instance)).json() as string[];
  expect(texts[0]).toContain('"PLACE" is an env variable: read it from context.env');
  expect(texts[1]).toContain("reactor functions env set suite MISSING --secret");
  expect(texts[1]).toContain("reactor secrets set MISSING");
  expect(texts[2]).toBe("DatabaseError: Cannot serve platform calls: this server has none");
  expect(texts[3]).toContain("TypeError");
  expect(texts[4]).toContain("wait_until takes an awaitable");
});

test("the environment of the process holds the function's keys only when its code runs", async () => {
  const instance = await context.function(
    `
import os, subprocess, sys

initial = open("/proc/self/environ").read()

def handler(event):
    inherited = subprocess.run(["/usr/bin/env"], capture_output=True, text=True).stdout
    return {"initial": "TOKEN" in initial, "now": os.environ["TOKEN"], "child": "TOKEN=s3cret" in inherited}
`,
    { secrets: { TOKEN: "s3cret" } },
  );
  expect((await context.ok(instance)).json()).toEqual({
    initial: false,
    now: "s3cret",
    child: true,
  });
});

test("nothing of the machine's packages and of the guest's modules can be imported", async () => {
  const instance = await context.function(`
import importlib.util, sys

def handler(event):
    return [path for path in sys.path if "dist-packages" in path or "site-packages" in path or path.endswith(".pyz")]
`);
  expect((await context.ok(instance)).json()).toEqual([]);
});

test("wait_until work that fails is logged under its request", async () => {
  const instance = await context.function(`
import concurrent.futures

pool = concurrent.futures.ThreadPoolExecutor(1)

def fails():
    raise ValueError("late failure")

async def fails_async():
    raise ValueError("late async failure")

def handler(event, context):
    context.wait_until(fails)
    context.wait_until(fails_async())
    context.waitUntil(pool.submit(fails))
    return "answered"
`);
  await context.ok(instance);
  const found = () => context.logs.filter(({ message }) => message.startsWith("ValueError: late"));
  await context.logged(() => found().length === 3, "three failures");
  for (const line of found()) expect(line).toMatchObject({ level: "error" });
  expect(new Set(found().map(({ requestId }) => requestId)).size).toBe(1);
});

test("a time zone of the function's env is the one of its clock", async () => {
  const source =
    "import time\n\ndef handler(event):\n    return time.strftime('%H', time.localtime(0))\n";
  const tokyo = await context.function(source, { env: { TZ: "Asia/Tokyo" } });
  expect((await context.ok(tokyo)).text()).toBe('"09"');
  expect((await context.ok(await context.function(source))).text()).toBe('"00"');
});
