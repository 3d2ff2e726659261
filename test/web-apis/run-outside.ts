import { buildSync } from "esbuild";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProbedRuntime } from "../escapes/probed-runtimes.ts";

const folder = join(import.meta.dirname, "functions");

/** How the bare runtime is called; Deno's permissions are part of the runtime that functions have. */
const commands = {
  bun: ["--no-install", "--no-env-file"],
  node: [],
  deno: ["run", "--quiet", "--no-prompt", "--no-config", "--no-lock", "--allow-all"],
  python: ["-S", "-s", "-B", "-X", "utf8"],
} as const;

/** Asks the probe's handler as an instance would, and prints what it answers. */
function javascriptProgram({ runtime, isolation }: ProbedRuntime): string {
  const print = isolation === "worker" ? "self.postMessage(text)" : "console.log(text)";
  const entry = `import probe from "./index.ts";
    const run = async (body) => {
      const request = new Request("http://x/", { method: "POST", body });
      const text = await (await probe.fetch(request)).text();
      ${print};
    };
    void run(ORIGIN);`;
  const { outputFiles } = buildSync({
    stdin: { contents: entry, resolveDir: join(folder, "javascript"), loader: "ts" },
    bundle: true,
    write: false,
    // The guest of Node is a CommonJS module.
    format: runtime === "node" ? "cjs" : "esm",
    platform: "node",
    logLevel: "error",
  });
  return outputFiles[0]?.text ?? "";
}

const workerMain = `const worker = new Worker(new URL("./worker.mjs", import.meta.url), { type: "module" });
worker.onmessage = ({ data }) => { console.log(data); Deno.exit(0); };
worker.onerror = (event) => { console.error(event.message); Deno.exit(1); };`;

const pythonMain = `import json, sys, asyncio
sys.path.insert(0, sys.argv[1])
import main
print(json.dumps(main.handler(json.loads(sys.argv[2]))))`;

/** What the probe finds in the bare runtime of the kind, outside of any sandbox. */
export async function runOutside(kind: ProbedRuntime, origin: string): Promise<unknown> {
  const work = await mkdtemp(join(tmpdir(), "web-apis-"));
  try {
    const body = JSON.stringify({ origin });
    const files = filesOf(kind, JSON.stringify(body));
    for (const [name, text] of Object.entries(files)) await writeFile(join(work, name), text);
    const main = join(work, Object.keys(files)[0] ?? "");
    const args = kind.language === "python" ? [join(folder, "python"), body] : [];
    const child = Bun.spawn([kind.binary ?? "", ...commands[kind.runtime], main, ...args], {
      cwd: work,
      // As bare as an instance's own, so that what follows from it is the same.
      env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: work, LANG: "C.UTF-8", TZ: "UTC" },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const texts = [new Response(child.stdout).text(), new Response(child.stderr).text()];
    const [stdout = "", stderr] = await Promise.all(texts);
    if ((await child.exited) !== 0) throw new Error(`${kind.title} outside: ${stderr}`);
    return JSON.parse(stdout);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function filesOf(kind: ProbedRuntime, body: string): Record<string, string> {
  if (kind.language === "python") return { "main.py": pythonMain };
  const program = javascriptProgram(kind).replace("ORIGIN", body);
  if (kind.runtime === "node") return { "main.cjs": program };
  if (kind.isolation === "process") return { "main.mjs": program };
  return { "main.mjs": workerMain, "worker.mjs": program };
}
