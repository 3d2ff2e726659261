import type { Behaviour } from "./behaviours.ts";

/** The module `(module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))`. */
const wasm = Buffer.from(
  "0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b",
  "hex",
);

async function addByWasm(source: Promise<{ instance: WebAssembly.Instance }>): Promise<number> {
  const { instance } = await source;
  return (instance.exports["add"] as (a: number, b: number) => number)(40, 2);
}

function webWorker(): Promise<unknown> | string {
  if (!("Worker" in globalThis)) return "none";
  const code = "onmessage = ({ data }) => postMessage([data * 2, typeof fetch])";
  const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })), {
    type: "module",
  });
  return new Promise((resolve) => {
    worker.addEventListener("message", ({ data }) => {
      worker.terminate();
      resolve(data);
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      resolve(`error: ${event.message}`);
    });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- workers know no origins
    worker.postMessage(21);
  });
}

async function workerThread(): Promise<unknown> {
  const { Worker: Thread } = await import("node:worker_threads");
  const code = "require('node:worker_threads').parentPort.postMessage(process.version.length > 3)";
  const thread = new Thread(code, { eval: true });
  try {
    return await new Promise((resolve, reject) => {
      thread.once("message", resolve);
      thread.once("error", reject);
    });
  } finally {
    await thread.terminate();
  }
}

async function files(): Promise<unknown> {
  const fs = await import("node:fs/promises");
  const { tmpdir } = await import("node:os");
  const folder = await fs.mkdtemp(`${tmpdir()}/probe-`);
  try {
    await fs.writeFile(`${folder}/a`, "text");
    await fs.symlink("a", `${folder}/b`);
    await fs.chmod(`${folder}/a`, 0o640);
    const { mode, size } = await fs.stat(`${folder}/b`);
    return [
      await fs.readFile(`${folder}/b`, "utf8"),
      mode.toString(8),
      size,
      await fs.readdir(folder),
    ];
  } finally {
    await fs.rm(folder, { recursive: true });
  }
}

/** The runtime's own surroundings. */
export const platform: Readonly<Record<string, Behaviour>> = {
  "WebAssembly.instantiate": () => addByWasm(WebAssembly.instantiate(wasm)),
  "WebAssembly.instantiateStreaming": () => {
    const response = new Response(wasm, { headers: { "content-type": "application/wasm" } });
    return addByWasm(WebAssembly.instantiateStreaming(response));
  },
  Worker: webWorker,
  "node:worker_threads": workerThread,
  performance: () => {
    performance.mark("a");
    const { entryType, name } = performance.measure("b", "a");
    performance.clearMarks();
    performance.clearMeasures();
    return [entryType, name, performance.now() > 0, performance.timeOrigin > 1e12];
  },
  PerformanceObserver: () => [...(PerformanceObserver.supportedEntryTypes ?? [])],
  navigator: () => {
    if (!("navigator" in globalThis)) return "none";
    const { userAgent, hardwareConcurrency, language, platform: on } = navigator;
    return [userAgent, hardwareConcurrency, language, on];
  },
  AsyncLocalStorage: async () => {
    const { AsyncLocalStorage } = await import("node:async_hooks");
    const storage = new AsyncLocalStorage<number>();
    return storage.run(7, async () => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return storage.getStore();
    });
  },
  "node:process": () => {
    const { platform: on, arch, version, versions, argv0, execArgv, exitCode } = process;
    return [on, arch, version, Object.keys(versions), argv0.length > 0, exitCode, typeof execArgv];
  },
  "node:process measures": () => {
    const memory = Object.keys(process.memoryUsage());
    return [
      memory,
      Object.keys(process.resourceUsage()),
      process.hrtime.bigint() > 0n,
      process.uptime() > 0,
    ];
  },
  "node:process streams": () => {
    const { stdout, stderr, stdin } = process;
    return [stdout, stderr].map((stream) => [
      typeof stream.write,
      stream.writable,
      stream.fd,
      stdin.fd,
    ]);
  },
  "node:os": async () => {
    const os = await import("node:os");
    const { EOL, platform: on, type, release, arch, endianness, availableParallelism } = os;
    return [
      EOL,
      on(),
      type(),
      release(),
      arch(),
      endianness(),
      availableParallelism(),
      os.cpus().length,
    ];
  },
  "node:os hostname": async () => (await import("node:os")).hostname(),
  "node:os userInfo": async () => typeof (await import("node:os")).userInfo().username,
  "node:os networkInterfaces": async () =>
    Object.keys((await import("node:os")).networkInterfaces()).includes("lo"),
  "node:fs": files,
  "node:child_process": async () => {
    const { execFileSync } = await import("node:child_process");
    return execFileSync("/bin/sh", ["-c", "echo $((6 * 7))"], { encoding: "utf8" });
  },
  "node:vm": async () => (await import("node:vm")).runInNewContext("a + 1", { a: 1 }),
  "node:v8": async () => {
    const v8 = await import("node:v8");
    return v8.deserialize(v8.serialize({ a: [1n] })).a[0] === 1n;
  },
  "node:util": async () => {
    const { inspect, promisify } = await import("node:util");
    return [inspect({ a: new Map([[1, { b: [2] }]]) }), typeof promisify(setTimeout)];
  },
  "node:sqlite": async () => {
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(":memory:");
    return Object.entries(database.prepare("SELECT 6 * 7 AS answer").get() ?? {});
  },
  "node:dns": async () => {
    const { address } = await (await import("node:dns/promises")).lookup("localhost", 4);
    return address;
  },
  signals: () => {
    const listener = (): void => undefined;
    process.on("SIGUSR2", listener);
    const count = process.listenerCount("SIGUSR2");
    process.off("SIGUSR2", listener);
    return count;
  },
};
