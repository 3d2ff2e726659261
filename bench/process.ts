import { type Subprocess, spawn } from "bun";

export interface Running {
  readonly pid: number;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly command: readonly string[];
  /** Processor to pin the process and its children to. */
  readonly core: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What says that it serves: a line on stdout, or its port that accepts. */
  readonly ready: RegExp | number;
}

/** Starts a pinned server and resolves with it and the line that said it is ready. */
export async function startProcess(options: StartOptions): Promise<Running & { line: string }> {
  const child = spawn(["taskset", "-c", String(options.core), ...options.command], {
    stdout: "pipe",
    stderr: "pipe",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: "/tmp", ...options.env },
  });
  const stderr: string[] = [];
  void drain(child.stderr, (line) => {
    stderr.push(line);
    if (stderr.length > 50) stderr.shift();
  });
  const ready = Promise.withResolvers<string>();
  void drain(child.stdout, (line) => {
    if (options.ready instanceof RegExp && options.ready.test(line)) ready.resolve(line);
  });
  if (typeof options.ready === "number")
    void untilListening(options.ready).then(ready.resolve, ready.reject);
  void child.exited.then((code) =>
    ready.reject(
      new Error(`${options.command.join(" ")} exited with ${code}: ${stderr.join("\n")}`),
    ),
  );
  const line = await ready.promise;
  return { pid: child.pid, line, stop: () => stopProcess(child) };
}

async function stopProcess(child: Subprocess): Promise<void> {
  child.kill("SIGTERM");
  const killer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await child.exited;
  clearTimeout(killer);
}

async function drain(
  stream: ReadableStream<Uint8Array>,
  onLine: (line: string) => void,
): Promise<void> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  }
}

/** A TCP port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
  const port = server.port as number;
  await server.stop(true);
  return port;
}

/** Resolves once a server accepts on the port; tries again on each refusal. */
async function untilListening(port: number): Promise<string> {
  for (let attempt = 0; attempt < 2000; attempt++) {
    try {
      const socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } });
      socket.end();
      return `port ${port}`;
    } catch {
      await Bun.sleep(5);
    }
  }
  throw new Error(`Nothing listens on port ${port}`);
}
