import { join } from "node:path";
import { findBunBinary } from "../src/drivers/bun/find-bun-binary.ts";
import { findDenoBinary } from "../src/drivers/deno/find-deno-binary.ts";
import { findNodeBinary } from "../src/drivers/node/find-node-binary.ts";
import { findPython } from "../src/drivers/python/find-python.ts";

const root = join(import.meta.dirname, "..");
const places = {
  setting: undefined,
  packageRoots: [root],
  searchPath: process.env["PATH"],
};

/** A runtime to measure: how Reactor is asked for it, and what stands beside it without Reactor. */
export interface BenchRuntime {
  /** Its name in rows, e.g. `node`. */
  readonly name: string;
  /** Its part of the manifest. */
  readonly manifest: Readonly<Record<string, unknown>> & { readonly runtime: string };
  /** The function's file. */
  readonly entry: string;
  /** The handler of figures 1 and 2, below bench/. */
  readonly echo: string;
  /** The code of figures 3 and 5; answers `hello`. */
  readonly hello: string;
  /** What a server of the runtime's own is called, and its program below bench/. */
  readonly raw: { readonly name: string; readonly program: string };
  /** What the source texts say about it. */
  readonly sourceSays: { readonly cold: string; readonly warm: string };
  /** Largest p50 of a cold start ÷ the bare sandboxed start. */
  readonly coldGate: number;
  readonly binary: () => string;
  /** Arguments before a program's path. */
  readonly args: readonly string[];
  /** Extension of its programs, with the dot. */
  readonly extension: string;
  /** A program that connects to the socket `argv[1]` and answers there when something arrives. */
  readonly bareClient: string;
  /** A program that serves HTTP on the Unix socket `argv[1]` and prints `ready`. */
  readonly bareServer: string;
}

const helloSource = `export default { fetch: () => new Response("hello") };`;
const helloHandler = `${helloSource.replace("export default", "const handler =")}\n`;
const silent = "the source texts give none";

/** Every runtime by name. Another row is all that another runtime needs. */
export const benchRuntimes: Readonly<Record<string, BenchRuntime>> = {
  bun: {
    name: "bun",
    manifest: { runtime: "bun" },
    entry: "index.ts",
    echo: "handlers/echo.ts",
    hello: helloSource,
    raw: { name: "raw Bun.serve", program: "peers/raw-bun.ts" },
    sourceSays: { cold: "the source text says ~200 ms", warm: "the source text says ~15 ms" },
    coldGate: 0.5,
    binary: () => findBunBinary(places),
    args: [],
    extension: ".js",
    bareClient: bareBunClient(helloSource),
    bareServer: `${helloHandler}Bun.serve({ unix: process.argv[2], fetch: (request) => handler.fetch(request) });
console.log("ready");
`,
  },
  node: {
    name: "node",
    manifest: { runtime: "node" },
    entry: "index.ts",
    echo: "handlers/echo.ts",
    hello: helloSource,
    raw: { name: "raw node:http", program: "peers/raw-node.mjs" },
    sourceSays: { cold: silent, warm: silent },
    coldGate: 0.3,
    binary: () => findNodeBinary(places),
    args: [],
    extension: ".cjs",
    bareClient: `${helloHandler}const socket = require("node:net").connect(process.argv[2]);
socket.on("data", async () => {
  const response = await handler.fetch(new Request("http://function/"));
  socket.write(await response.text());
});
`,
    bareServer: `${helloHandler}require("node:http").createServer(async (_request, answer) => {
  const response = await handler.fetch(new Request("http://function/"));
  answer.end(await response.text());
}).listen(process.argv[2], () => console.log("ready"));
`,
  },
  deno: {
    name: "deno",
    manifest: { runtime: "deno" },
    entry: "index.ts",
    echo: "handlers/echo.ts",
    hello: helloSource,
    raw: { name: "raw Deno.serve", program: "peers/raw-deno.js" },
    sourceSays: {
      cold: "the source text says 10–50 ms of a Worker",
      warm: "the source text says 1–5 ms of a Worker",
    },
    coldGate: 0.3,
    binary: () => findDenoBinary(places),
    args: ["run", "--quiet", "--no-prompt", "--no-config", "--no-lock", "--allow-all"],
    extension: ".js",
    bareClient: `${helloHandler}const connection = await Deno.connect({ transport: "unix", path: Deno.args[0] });
const buffer = new Uint8Array(16);
while ((await connection.read(buffer)) !== null) {
  const response = await handler.fetch(new Request("http://function/"));
  await connection.write(new Uint8Array(await response.arrayBuffer()));
}
`,
    bareServer: `${helloHandler}Deno.serve({ path: Deno.args[0], onListen: () => console.log("ready") }, (request) => handler.fetch(request));
`,
  },
  python: {
    name: "python",
    manifest: { runtime: "python" },
    entry: "index.py",
    echo: "handlers/echo.py",
    hello: `def handler(event):\n    return "hello"\n`,
    raw: { name: "a bare asyncio server", program: "peers/raw-python.py" },
    sourceSays: {
      cold: "the microVM text says ~2–3 s",
      warm: "the microVM text says ~50–200 ms",
    },
    coldGate: 0.7,
    binary: () => findPython(places).binaryPath,
    args: ["-S", "-s", "-B", "-X", "utf8"],
    extension: ".py",
    bareClient: `import socket, sys
def handler(event):
    return "hello"
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
while connection.recv(16):
    connection.sendall(handler({}).encode())
`,
    bareServer: `import socket, sys
def handler(event):
    return "hello"
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    connection.recv(65536)
    body = handler({}).encode()
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nconnection: close\\r\\ncontent-length: %d\\r\\n\\r\\n" % len(body) + body)
    connection.close()
`,
  },
};

/** Bun's bare client around any code; figure 7 deploys others. */
export function bareBunClient(source: string): string {
  return `${source.replace("export default", "const handler =")}
Bun.connect({ unix: process.argv[2], socket: { async data(socket) {
  const response = await handler.fetch(new Request("http://function/"));
  socket.write(await response.text());
} } });
`;
}

/** The runtime of that name; throws and names those that there are. */
export function benchRuntime(name: string): BenchRuntime {
  const found = benchRuntimes[name];
  if (found !== undefined) return found;
  throw new Error(`No runtime ${name}; there are ${Object.keys(benchRuntimes).join(", ")}`);
}
