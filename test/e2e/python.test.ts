import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { wheelArchive, wheelFile } from "../../src/dependencies/python/wheel-archive.harness.ts";
import { startServer, type TestServer, until } from "./reactor.ts";

/** Python functions on a real server: the examples, and what a deployment that fails says. */
const examples = join(import.meta.dirname, "..", "..", "examples");

describe.if(Bun.which("python3", { PATH: "/usr/bin" }) !== null)(
  "functions in Python (needs /usr/bin/python3)",
  () => {
    let server: TestServer;

    beforeAll(async () => {
      server = await startServer({ runtimes: "all" });
    });

    afterAll(async () => {
      await server.stop();
    });

    async function deploy(name: string, files: Readonly<Record<string, string | Uint8Array>>) {
      const manifest = { name, runtime: "python", access: "public" };
      const entries = Object.entries({ "reactor.json": JSON.stringify(manifest), ...files });
      return server.client.deploy(name, {
        files: new Map(entries.map(([path, content]) => [path, bytesOf(content)])),
        promote: true,
        createFunction: true,
      });
    }

    async function deployExample(name: string): Promise<void> {
      const read = (path: string): Promise<string> => readFile(join(examples, name, path), "utf8");
      const deployment = await deploy(name, {
        "reactor.json": await read("reactor.json"),
        "code/index.py": await read("code/index.py"),
      });
      expect(deployment.failure ?? null).toBeNull();
      expect(deployment.status).toBe("ready");
    }

    function post(name: string, body: string): Promise<Response> {
      const headers = { "content-type": "application/json" };
      return server.fetch(`/fn/v1/${name}`, { method: "POST", headers, body });
    }

    async function recordedShape(name: string): Promise<unknown> {
      const { stdout } = await server.cli("functions", "get", name, "--json");
      return (JSON.parse(stdout) as { shape: unknown }).shape;
    }

    test("the calculator answers as its text says", async () => {
      await deployExample("calculator-python");
      const calculate = async (event: object): Promise<unknown> => {
        const response = await post("calculator-python", JSON.stringify(event));
        expect(response.headers.get("content-type")).toBe("application/json");
        return [response.status, await response.json()];
      };
      expect(await calculate({ operation: "add", a: 10, b: 5 })).toEqual([200, { result: 15 }]);
      expect(await calculate({ operation: "?" })).toEqual([400, { error: "Invalid operation" }]);
      expect(await recordedShape("calculator-python")).toBe("event");
    });

    test("the ASGI application counts the words of an upload", async () => {
      await deployExample("asgi-python");
      const response = await server.fetch("/fn/v1/asgi-python/some/where", {
        method: "POST",
        body: new ReadableStream({
          start(controller) {
            for (const part of ["one tw", "o ", " three\n", "four"]) {
              controller.enqueue(new TextEncoder().encode(part));
            }
            controller.close();
          },
        }),
      });
      expect(await response.json()).toEqual({
        path: expect.stringContaining("/some/where"),
        words: 4,
      });
      expect(await recordedShape("asgi-python")).toBe("asgi");
    });

    test("the countdown streams events, and its log lines carry the request's id", async () => {
      await deployExample("countdown-python");
      const response = await post("countdown-python", '{"from":2}');
      expect(response.headers.get("content-type")).toBe("text/event-stream");
      const lines = [2, 1, 0].map((left) => `data: {"left": ${left}}\n\n`);
      expect(await response.text()).toBe(lines.join(""));
      const requestId = response.headers.get("x-request-id") ?? "";
      await until("the lines are in the log", async () => {
        const { stdout } = await server.cli("functions", "logs", "countdown-python", "--json");
        return (
          stdout.split("\n").filter((line) => line.includes(requestId) && line.includes("counting"))
            .length === 3
        );
      });
    });

    test("a package of a pinned requirements.txt is imported, and its metadata is there", async () => {
      const wheel = {
        name: "greetings",
        version: "2.1",
        files: { "greetings.py": "word = 'hi'\n" },
      };
      const deployment = await deploy("packaged", {
        "requirements.txt": "greetings==2.1\n",
        [`wheels/${wheelFile(wheel)}`]: wheelArchive(wheel),
        "index.py": `
import importlib.metadata
import greetings

def handler(event):
    return [greetings.word, importlib.metadata.version("greetings")]
`,
      });
      expect(deployment.failure ?? null).toBeNull();
      expect(await (await post("packaged", "{}")).json()).toEqual(["hi", "2.1"]);
    });

    test("a draft runs in the playground", async () => {
      const response = await server.fetch("/api/v1/playground/run", {
        method: "POST",
        headers: { authorization: `Bearer ${server.key}`, "content-type": "application/json" },
        body: JSON.stringify({
          runtime: "python",
          files: {
            "index.py": "def handler(event):\n    print('draft')\n    return event['n'] * 2\n",
          },
          event: { n: 21 },
        }),
      });
      const text = await response.text();
      expect([response.status, text]).toEqual([200, expect.stringContaining("42")]);
      expect(text).toContain("draft");
    });

    test("a client that leaves a stream ends its generator, and the log says so", async () => {
      const deployment = await deploy("ticking", {
        "index.py": `
import time

def handler(event, context):
    try:
        while True:
            yield "tick "
            time.sleep(0.005)
    finally:
        print("generator closed", context.signal.aborted)
`,
      });
      expect(deployment.status).toBe("ready");
      const leave = new AbortController();
      const response = await server.fetch("/fn/v1/ticking", { signal: leave.signal });
      await response.body?.getReader().read();
      leave.abort();
      await until("the generator is closed", async () => {
        const { stdout } = await server.cli("functions", "logs", "ticking", "--json");
        return stdout.includes("generator closed True");
      });
    });

    test("8 handlers that compute, print and log at once are told apart", async () => {
      const manifest = {
        name: "primes",
        runtime: "python",
        access: "public",
        concurrency: { max_instances: 1 },
      };
      const deployment = await deploy("primes", {
        "index.py": `
import logging, threading

together = threading.Barrier(8)

def handler(event, context):
    together.wait(30)
    primes = []
    for number in range(2, event["below"]):
        if all(number % prime for prime in primes if prime * prime <= number):
            primes.append(number)
        if number % 100 == 0:
            print(f"printed {number} {context.request_id}")
            logging.info("logged %d %s", number, context.request_id)
    return len(primes)
`,
        "reactor.json": JSON.stringify(manifest),
      });
      expect(deployment.status).toBe("ready");
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => post("primes", '{"below":1001}')),
      );
      expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(
        Array.from({ length: 8 }, () => "168"),
      );
      const linesOf = async (): Promise<{ message: string; request_id: string }[]> => {
        const { stdout } = await server.cli(
          "functions",
          "logs",
          "primes",
          "--json",
          "--limit",
          "1000",
        );
        const lines = stdout.split("\n").filter((line) => /"(?:printed|logged) /.test(line));
        return lines.map((line) => JSON.parse(line));
      };
      await until("all lines are in the log", async () => (await linesOf()).length >= 160);
      const lines = await linesOf();
      expect(lines).toHaveLength(160);
      for (const line of lines) expect(line.message).toEndWith(` ${line.request_id}`);
      expect(new Set(lines.map((line) => line.request_id)).size).toBe(8);
    });

    test("8 sleeping sync handlers run side by side in one instance", async () => {
      const source = `
import threading

together = threading.Barrier(8)

def handler(event):
    together.wait(30)
    return threading.active_count() >= 8
`;
      const manifest = {
        name: "together",
        runtime: "python",
        access: "public",
        concurrency: { max_instances: 1 },
      };
      const deployment = await deploy("together", {
        "index.py": source,
        "reactor.json": JSON.stringify(manifest),
      });
      expect(deployment.status).toBe("ready");
      const answers = await Promise.all(Array.from({ length: 8 }, () => post("together", "{}")));
      expect(await Promise.all(answers.map((answer) => answer.json()))).toEqual(
        Array.from({ length: 8 }, () => true),
      );
    });

    test("a sync handler that goes on after its timeout is replaced, and the next call works", async () => {
      const manifest = {
        name: "stuck",
        runtime: "python",
        access: "public",
        limits: { timeout_ms: 200 },
      };
      const deployment = await deploy("stuck", {
        "index.py": `
import os, time

def handler(event):
    if event.get("loop"):
        while True:
            pass
    if event.get("sleep"):
        time.sleep(3600)
    return os.getpid()
`,
        "reactor.json": JSON.stringify(manifest),
      });
      expect(deployment.status).toBe("ready");
      for (const event of ['{"sleep":true}', '{"loop":true}']) {
        const late = await post("stuck", event);
        expect(late.status).toBe(504);
        expect(await late.json()).toMatchObject({ error: { code: "function_timeout" } });
        await until("the function answers again", async () => (await post("stuck", "{}")).ok);
      }
    });

    test.each([
      ["a syntax error", "def handler(event:\n    return 1\n", /index\.py:1/],
      ["tabs mixed with spaces", "def handler(event):\n    if 1:\n\treturn 1\n", /index\.py:3/],
      [
        "an import that is not there",
        "import absent_package\n\ndef handler(event):\n    pass\n",
        /index\.py", line 1/,
      ],
      ["an exit at import", "import sys\nsys.exit(4)\n", /index\.py:2/],
      ["no handler", "def greet(event):\n    pass\n", /No handler found.*index\.py:1/],
      ["a handler of a wrong type", "\nhandler = 5\n", /of type int.*index\.py:2/],
      [
        "a call that raises",
        "def load():\n    raise ValueError('bad')\n\nload()\n",
        /index\.py", line 2/,
      ],
    ])("%s is a deployment that failed, whose log says where", async (_what, source, place) => {
      const deployment = await deploy("broken", { "index.py": source });
      expect(deployment.status).toBe("failed");
      expect(JSON.stringify(deployment.failure).replaceAll("\\", "")).toMatch(place);
    });

    test("an import that never ends is a deployment that failed", async () => {
      const deployment = await deploy("endless", {
        "index.py": "import threading\nthreading.Event().wait()\n",
      });
      expect(deployment.status).toBe("failed");
      expect(JSON.stringify(deployment.failure)).toMatch(
        /start_timeout|did not become ready|within/,
      );
    });
  },
);

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === "string" ? Buffer.from(content) : content;
}
