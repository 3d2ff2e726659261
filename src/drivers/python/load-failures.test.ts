import { describe, expect, test } from "bun:test";
import { openFunctionContext } from "./function-context.harness.ts";

const context = openFunctionContext();

const handler = "def handler(event):\n    return 1\n";

/** What each function's failed deployment says, in its message or its log. */
const failing: Readonly<Record<string, readonly [Readonly<Record<string, string>>, RegExp]>> = {
  "a syntax error": [
    { "index.py": "x = 1\ndef handler(event:\n    return 1\n" },
    /SyntaxError: '\(' was never closed \(index\.py:2\)/,
  ],
  "tabs mixed with spaces": [
    { "index.py": "def handler(event):\n    if event:\n\treturn 1\n    return 2\n" },
    /TabError: .*tabs and spaces.*\(index\.py:3\)/,
  ],
  "a syntax error in a file that nothing imports": [
    { "index.py": handler, "lib/tools.py": "\n\nreturn = 1\n" },
    /SyntaxError: .*\(lib\/tools\.py:3\)/,
  ],
  "an import of a package that is not there": [
    { "index.py": `import json\nimport requests_of_nobody\n${handler}` },
    /ModuleNotFoundError: No module named 'requests_of_nobody'[\s\S]*File "index\.py", line 2/,
  ],
  "a module that raises at import": [
    { "index.py": `import helper\n${handler}`, "helper.py": "\n1 / 0\n" },
    /ZeroDivisionError[\s\S]*File "helper\.py", line 2/,
  ],
  "a module that exits at import": [
    { "index.py": `import sys\n\nsys.exit(3)\n${handler}` },
    /ended the process by SystemExit at index\.py:3/,
  ],
  "no handler": [
    { "index.py": "def greet():\n    pass\n" },
    /No handler found: the module has the names greet\..*`def handler\(event\)`.*\(index\.py:1\)/,
  ],
  "a handler of a wrong type": [
    { "index.py": "handler = {'a': 1}\n" },
    /"handler" is of type dict, which cannot be called.*\(index\.py:1\)/,
  ],
  "a handler that is a class": [
    { "index.py": "class handler:\n    pass\n" },
    /"handler" is a class: make an instance of it.*\(index\.py:1\)/,
  ],
  "a handler without parameters": [
    { "index.py": "def handler():\n    return 1\n" },
    /"handler" takes no parameter.*\(index\.py:1\)/,
  ],
  "a handler with too many parameters": [
    { "index.py": "def handler(a, b, c, d):\n    return 1\n" },
    /parameters that the platform does not give/,
  ],
  "a WSGI application": [
    { "index.py": "def app(environ, start_response):\n    return []\n" },
    /no ASGI application.*a2wsgi/,
  ],
};

describe("a deployment fails and says where", () => {
  for (const [name, [files, message]] of Object.entries(failing)) {
    test(`for ${name}`, async () => {
      const { message: said, log } = await context.failure(files);
      expect(`${said}\n${log}`).toMatch(message);
      expect(`${said}\n${log}`).not.toContain("reactor_guest");
    });
  }
});

test("every file with a syntax error is named", async () => {
  const broken = "def (:\n";
  const { message, log } = await context.failure({
    "index.py": handler,
    "a.py": broken,
    "b.py": broken,
  });
  expect(`${message}\n${log}`).toMatch(/a\.py:1/);
  expect(`${message}\n${log}`).toMatch(/b\.py:1/);
});

test("the manifest's handler must be there", async () => {
  const { message } = await context.failure({ "index.py": handler }, { handler: "missing" });
  expect(message).toContain('The manifest names "missing", which is not there');
});

test("a package that came along may hold files that are no Python of this version", async () => {
  const instance = await context.files({
    "index.py": "import dep\n\ndef handler(event):\n    return dep.value\n",
    "vendor/dep/__init__.py": "value = 7\n",
    "vendor/dep/old.py": "print 'two'\n",
  });
  expect((await context.ok(instance)).text()).toBe("7");
});

test("a shape that is recorded spares the check of every file", async () => {
  const files = { "index.py": handler, "unused.py": "def (:\n" };
  const instance = await context.files(files, { shape: "event" });
  expect((await context.ok(instance)).text()).toBe("1");
});

test("packages, relative imports, data files and the code/ folder are found", async () => {
  const instance = await context.files(
    {
      "code/index.py": `
import pathlib
from tools import double
from shared.words import word

def handler(event):
    data = pathlib.Path(__file__).with_name("data.txt").read_text()
    return [double(4), word, data, open("code/data.txt").read()]
`,
      "code/tools.py": "def double(value):\n    return value * 2\n",
      "code/data.txt": "données",
      "shared/__init__.py": "",
      "shared/words.py": "from . import other\nword = other.word\n",
      "shared/other.py": 'word = "hi"\n',
    },
    { entrypoint: "code/index.py" },
  );
  expect((await context.ok(instance)).json()).toEqual([8, "hi", "données", "données"]);
});

test("a bundle of 30 MB is there only once while the function runs", async () => {
  const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(65_536))).toString("latin1");
  const instance = await context.files(
    {
      "index.py": `
import os, resource

def handler(event):
    kilobytes = open("/proc/self/status").read().split("VmRSS:")[1].split()[0]
    return [int(kilobytes) // 1024, os.path.getsize("data.txt") > 20_000_000]
`,
      "data.txt": noise.repeat(250),
    },
    { memoryMb: 128 },
  );
  const [residentMb, isThere] = (await context.ok(instance)).json() as [number, boolean];
  expect(isThere).toBe(true);
  expect(residentMb).toBeLessThan(64);
});
