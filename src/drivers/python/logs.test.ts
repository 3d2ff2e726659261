import { expect, test } from "bun:test";
import type { LogLine } from "../../domain/invocation.ts";
import type { Instance } from "../driver.ts";
import { openFunctionContext } from "./function-context.harness.ts";

const context = openFunctionContext();

async function line(message: string): Promise<LogLine> {
  const find = (): LogLine | undefined => context.logs.find((each) => each.message === message);
  await context.logged(() => find() !== undefined, `the line "${message}"`);
  const found = find();
  if (found === undefined) throw new Error("the line went away");
  return found;
}

/** Calls eight at once; each line `<text> of <request id>` must come under that request. */
async function attributed(instance: Instance, text: string, count: number): Promise<void> {
  const calls = Array.from({ length: 8 }, () => context.ok(instance, { path: "/8" }));
  await Promise.all(calls);
  const lines = (): LogLine[] => context.logs.filter(({ message }) => message.startsWith(text));
  await context.logged(() => lines().length >= 8 * count, `${8 * count} lines`);
  for (const { message, requestId } of lines()) expect(message).toEndWith(` of ${requestId}`);
  expect(lines()).toHaveLength(8 * count);
}

/** Ways to write a line, each from eight requests at once that run side by side. */
const ways: Readonly<Record<string, string>> = {
  print: "print(text)",
  "print in pieces": "print(text[:4], end=''); pause(); print(text[4:])",
  "sys.stderr": "sys.stderr.write(text + '\\n')",
  "sys.stdout.buffer": "sys.stdout.buffer.write(text.encode() + b'\\n')",
  "os.write": "os.write(1, text.encode() + b'\\n')",
  "logging.getLogger": "logging.getLogger('some.module').info(text)",
  "a thread": "run(threading.Thread(target=print, args=(text,)))",
  "a pool of threads": "pool.submit(print, text).result()",
  "warnings.warn": "warnings.showwarning = shown; warnings.warn(text)",
};

for (const [name, statement] of Object.entries(ways)) {
  test(`${name} of 8 sync requests at once is attributed to each of them`, async () => {
    const text = `by ${name}`;
    const instance = await context.function(`
import concurrent.futures, logging, os, sys, threading, time, warnings

pool = concurrent.futures.ThreadPoolExecutor(3)
together = threading.Barrier(8)
warnings.simplefilter("always")

def pause():
    time.sleep(0.001)

def run(thread):
    thread.start()
    thread.join()

def shown(message, *rest, **more):
    print(message)

def handler(event, context):
    together.wait()
    for _ in range(3):
        text = f"${text} of {context.request_id}"
        ${statement}
        pause()
    return "said"
`);
    await attributed(instance, text, 3);
  });
}

test("tasks, to_thread and callbacks of 8 async requests are attributed to each of them", async () => {
  const instance = await context.function(`
import asyncio

async def task(text):
    await asyncio.sleep(0.001)
    print(text)

async def handler(event, context):
    text = f"async of {context.request_id}"
    await asyncio.gather(task(text), asyncio.to_thread(print, text), asyncio.create_task(task(text)))
    asyncio.get_running_loop().call_soon(print, text)
    await asyncio.sleep(0.001)
    return "said"
`);
  await attributed(instance, "async of", 4);
});

test("logging shows info and above with its level, and basicConfig changes what it shows", async () => {
  const instance = await context.function(`
import logging

logging.debug("hidden debug")
logging.info("shown info")
logging.basicConfig(level=logging.DEBUG, format="%(levelname)s %(message)s")
logging.debug("shown debug")

def handler(event):
    try:
        1 / 0
    except ZeroDivisionError:
        logging.exception("caught")
    return "said"
`);
  expect((await line("shown info")).level).toBe("info");
  expect((await line("DEBUG shown debug")).level).toBe("debug");
  await context.ok(instance);
  expect(await line("ERROR caught")).toMatchObject({ level: "error", source: "log" });
  expect((await line("ZeroDivisionError: division by zero")).level).toBe("error");
  expect(context.logs.some(({ message }) => message.includes("hidden"))).toBe(false);
});

test("what nobody awaited or caught is logged under its request, and the instance goes on", async () => {
  const instance = await context.function(`
import asyncio, threading

async def fails():
    raise ValueError("forgotten task")

def breaks():
    raise ValueError("broken thread")

async def handler(event):
    asyncio.create_task(fails())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    threading.Thread(target=breaks).start()
    return "answered"
`);
  await context.ok(instance);
  await context.ok(instance);
  expect(await line("ValueError: forgotten task")).toMatchObject({ level: "error" });
  const broken = await line("ValueError: broken thread");
  expect(broken).toMatchObject({ level: "error" });
  expect(broken.requestId).toStartWith("req-");
});

test("a stack names the function's files and nothing of the platform's", async () => {
  const instance = await context.files({
    "index.py": "import deep\n\ndef handler(event):\n    return deep.fail()\n",
    "deep.py": 'def fail():\n    raise ValueError("deep down") from KeyError("cause")\n',
  });
  const { failure } = await context.fetch(instance);
  if (failure?.kind !== "threw") throw new Error(JSON.stringify(failure));
  expect(failure.message).toBe("ValueError: deep down");
  expect(failure.stack).toMatch(/File "index\.py", line 4[\s\S]*File "deep\.py", line 2/);
  expect(failure.stack).toContain("KeyError: 'cause'");
  expect(failure.stack).not.toMatch(/reactor_guest|\/tmp\/|\/runtime\//);
});

test("an exception that cannot describe itself is still a failure", async () => {
  const instance = await context.function(`
class Odd(Exception):
    def __str__(self):
        raise RuntimeError("no text")

def handler(event):
    raise Odd()
`);
  const { failure } = await context.fetch(instance);
  expect(failure?.kind).toBe("threw");
  expect((await context.fetch(instance)).failure?.kind).toBe("threw");
});

test("a process that is forked writes to the log too, and leaves the instance alone", async () => {
  const instance = await context.function(`
import logging, multiprocessing, os

def work(number, answers):
    print(f"child {number}", flush=True)
    logging.error(f"child error {number}")
    answers.put(number * number)

def handler(event):
    answers = multiprocessing.get_context("fork").SimpleQueue()
    children = [multiprocessing.get_context("fork").Process(target=work, args=(n, answers)) for n in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    pid = os.fork()
    if pid == 0:
        print("forked by hand")
        os._exit(0)
    os.waitpid(pid, 0)
    return sorted(answers.get() for _ in children)
`);
  for (let call = 0; call < 3; call++) {
    expect((await context.ok(instance)).json()).toEqual([0, 1, 4, 9]);
  }
  expect((await line("child 3")).source).toBe("stdout");
  expect((await line("child error 0")).source).toBe("stderr");
  await line("forked by hand");
});

test("a handler whose fork goes on in the child ends as the child, not as the request", async () => {
  const instance = await context.function(`
import os, sys

def handler(event):
    pid = os.fork()
    if pid == 0:
        if event["exits"]:
            sys.exit(3)
        return "the child's"
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
`);
  for (const [body, code] of [
    ['{"exits":true}', "3"],
    ['{"exits":false}', "0"],
    ['{"exits":true}', "3"],
  ] as const) {
    expect((await context.ok(instance, { body })).text()).toBe(code);
  }
});
