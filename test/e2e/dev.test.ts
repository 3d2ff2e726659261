import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createClient } from "../../src/client/client.ts";
import { findPostgres } from "../../src/database/postgres/find-postgres.ts";
import { processesWith, reactor, root, runDirOf, serverEnvironment, until } from "./reactor.ts";

const postgres = findPostgres({ setting: undefined, searchPath: process.env["PATH"] })[0];

/** A running `reactor dev`, seen as its terminal is. */
interface Dev {
  readonly url: string;
  /** Resolves with all output from `from` on, once the pattern is in it. */
  shows(pattern: RegExp, from?: number): Promise<string>;
  /** Length of the output, for `shows`. */
  mark(): number;
  post(path: string): Promise<Response>;
  /** Ctrl-C; resolves with the exit code. */
  interrupt(): Promise<number>;
  /** kill -9. */
  kill(): Promise<void>;
}

let home: string;
let running: { kill(signal: NodeJS.Signals): void; readonly exited: Promise<number> }[] = [];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "reactor-dev-"));
});
afterEach(async () => {
  for (const child of running) child.kill("SIGTERM");
  await Promise.all(running.map(({ exited }) => exited));
  running = [];
  await rm(home, { recursive: true });
});

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(join(home, file)), { recursive: true });
  await writeFile(join(home, file), text);
}

function answering(text: string): string {
  return `export default { fetch: () => new Response(${JSON.stringify(text)}) };\n`;
}

async function startDev(folder = ".", args: readonly string[] = []): Promise<Dev> {
  const child = Bun.spawn([join(root, "bin/reactor"), "dev", "--listen", "127.0.0.1:0", ...args], {
    cwd: join(home, folder),
    env: { ...serverEnvironment(), HOME: home },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  running.push(child);
  let output = "";
  let heard = Promise.withResolvers<void>();
  const read = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      output += decoder.decode(chunk, { stream: true });
      heard.resolve();
      heard = Promise.withResolvers();
    }
  };
  const reading = Promise.all([read(child.stdout), read(child.stderr)]).then(() => heard.resolve());
  const shows = async (pattern: RegExp, from = 0): Promise<string> => {
    while (!pattern.test(output.slice(from))) {
      if (child.exitCode !== null) throw new Error(`reactor dev ended:\n${output}`);
      await heard.promise;
    }
    return output.slice(from);
  };
  const url = /ready at (\S+)/.exec(await shows(/ready at \S+\n/))?.[1] ?? "";
  return {
    url,
    shows,
    mark: () => output.length,
    post: (path) => fetch(`${url}${path}`, { method: "POST" }),
    async interrupt() {
      child.kill("SIGINT");
      const code = await child.exited;
      await reading;
      return code;
    },
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Processes of this test's own: the server, its instances, its PostgreSQL. */
async function processesLeft(): Promise<readonly string[]> {
  const runDir = runDirOf(join(home, ".reactor/dev"));
  return [...(await processesWith(home)), ...(await processesWith(runDir))];
}

async function textOf(answer: Promise<Response>): Promise<string> {
  return (await answer).text();
}

test("a save is live at the function's route, without a key; what is beside it is not deployed again", async () => {
  await write("functions/a/index.ts", answering("one"));
  await write("functions/b/index.ts", answering("beside"));
  const dev = await startDev();
  await dev.shows(/live +b@1 +POST/);
  expect(await dev.shows(/live +a@1 +POST/)).toContain(`${dev.url}/a`);
  expect(await textOf(dev.post("/a"))).toBe("one");
  // Saved as it was.
  await write("functions/b/index.ts", answering("beside"));
  await write("functions/a/index.ts", answering("two"));
  await dev.shows(/live +a@2/);
  expect(await textOf(dev.post("/a"))).toBe("two");
  // As editors save: another file takes the name.
  await write("functions/a/.index.ts.new", answering("three"));
  await rename(join(home, "functions/a/.index.ts.new"), join(home, "functions/a/index.ts"));
  await until("three answers", async () => (await textOf(dev.post("/a"))) === "three");
  expect((await dev.post("/b")).headers.get("x-reactor-function")).toBe("b@1");
}, 120_000);

test("a syntax error shows its place and line, the old version serves on, and mending it is live", async () => {
  await write("functions/a/index.ts", answering("sound"));
  const dev = await startDev();
  await dev.shows(/live +a@1/);
  await write("functions/a/index.ts", "\nexport default { fetch: () => new Response('x' };\n");
  const shown = await dev.shows(/failed +a: [^\n]+\n[^\n]+\n/);
  expect(shown).toContain("index.ts:2:");
  expect(shown).toContain("export default { fetch: () => new Response('x' };");
  expect(await textOf(dev.post("/a"))).toBe("sound");
  await write("functions/a/index.ts", answering("mended"));
  await dev.shows(/live +a@3/);
  expect(await textOf(dev.post("/a"))).toBe("mended");
}, 120_000);

test("a handler that throws or ends its process shows the line in the terminal, and is served again", async () => {
  await write(
    "functions/a/lib/fail.ts",
    'export function fail(): never {\n  throw new Error("boom");\n}\n',
  );
  await write(
    "functions/a/index.ts",
    `import { fail } from "./lib/fail.ts";
export default { fetch: (request) => {
  if (request.headers.has("x-end")) process.exit(3);
  console.log("called");
  fail();
} };\n`,
  );
  const dev = await startDev();
  await dev.shows(/live +a@1/);
  expect((await dev.post("/a")).status).toBe(500);
  expect(await dev.shows(/\^\n/)).toMatch(
    /called[^]*boom[^]* {4}lib\/fail\.ts:2:\d+\n {4}2 \| {3}throw new Error\("boom"\);\n +\^/,
  );
  const ended = await fetch(`${dev.url}/a`, { method: "POST", headers: { "x-end": "1" } });
  expect(ended.status).toBe(500);
  await write("functions/a/index.ts", answering("alive"));
  await dev.shows(/live +a@2/);
  expect(await textOf(dev.post("/a"))).toBe("alive");
}, 120_000);

test(".env and .env.local are the functions' env while dev runs, and a change rolls", async () => {
  await write(
    "functions/a/index.ts",
    "export default { fetch: (_, ctx) => Response.json(ctx.env) };\n",
  );
  await write(".env", "GREETING=hello\nPLACE=env\n");
  await write(".env.local", "PLACE=local\n");
  const dev = await startDev();
  await dev.shows(/live +a@1/);
  expect(await (await dev.post("/a")).json()).toMatchObject({ GREETING: "hello", PLACE: "local" });
  await write(".env.local", "");
  await write(".env", 'GREETING="good day"\nPLACE=env\n');
  await until("the new env", async () => {
    const env = (await (await dev.post("/a")).json()) as Record<string, string>;
    return env["GREETING"] === "good day" && env["PLACE"] === "env";
  });
  await write(".env", "PLACE=env\n");
  await dev.shows(/env +-GREETING/);
  await until("the key is gone", async () => {
    return !("GREETING" in ((await (await dev.post("/a")).json()) as object));
  });
  await dev.interrupt();
  await rm(join(home, ".env"));
  const again = await startDev();
  await again.shows(/live +a@2/);
  expect(await createClient({ url: again.url }).listProjectEnv()).toEqual([]);
}, 120_000);

test("a function's folder that is added is live, one that goes is not, one that comes back is", async () => {
  await write("functions/a/index.ts", answering("a"));
  const dev = await startDev();
  await dev.shows(/live +a@1/);
  await write("functions/b/index.ts", answering("new"));
  await dev.shows(/live +b@1/);
  expect(await textOf(dev.post("/b"))).toBe("new");
  const mark = dev.mark();
  await rm(join(home, "functions/b"), { recursive: true });
  await dev.shows(/gone +b/, mark);
  expect((await dev.post("/b")).status).toBe(404);
  await write("functions/b/lib/deep/word.ts", 'export const word = "back";\n');
  await write(
    "functions/b/index.ts",
    'import { word } from "./lib/deep/word.ts";\nexport default { fetch: () => new Response(word) };\n',
  );
  await until("b is back", async () => (await textOf(dev.post("/b"))) === "back");
  await write("functions/b/lib/deep/word.ts", 'export const word = "deep";\n');
  await until("a save deep below", async () => (await textOf(dev.post("/b"))) === "deep");
}, 120_000);

test("in a function's folder it serves that one, with the data in the project's .reactor/dev", async () => {
  await write("functions/a/index.ts", answering("a"));
  await write("functions/b/index.ts", answering("b"));
  const dev = await startDev("functions/b");
  await dev.shows(/live +b@1/);
  expect((await dev.post("/a")).status).toBe(404);
  expect(await Bun.file(join(home, ".reactor/dev/reactor.db")).exists()).toBe(true);
}, 120_000);

test("a page of another site reaches nothing, and no other machine may", async () => {
  await write("functions/a/index.ts", answering("a"));
  const dev = await startDev();
  await dev.shows(/live +a@1/);
  const headers = { origin: "https://evil.example", "sec-fetch-site": "cross-site" };
  for (const path of ["/a", "/api/v1/functions"]) {
    const answer = await fetch(`${dev.url}${path}`, { method: "POST", headers, body: "{}" });
    expect([path, answer.status]).toEqual([path, 403]);
  }
  const { code, stderr } = await reactor(["dev", "--listen", "0.0.0.0:0"], { cwd: home });
  expect([code, stderr.includes("reactor dev asks for no key")]).toEqual([1, true]);
}, 120_000);

test("Ctrl-C ends it with no process left", async () => {
  await write("functions/a/index.ts", answering("a"));
  const dev = await startDev();
  await dev.shows(/live +a@1/);
  expect(await textOf(dev.post("/a"))).toBe("a");
  expect((await processesLeft()).length).toBeGreaterThan(0);
  expect(await dev.interrupt()).toBe(0);
  expect(await processesLeft()).toEqual([]);
  expect(existsSync(runDirOf(join(home, ".reactor/dev")))).toBe(false);
}, 120_000);

test("kill -9 leaves no process, and the next dev takes out the env that the killed one had set", async () => {
  await write(
    "functions/a/index.ts",
    "export default { fetch: (_, ctx) => Response.json(Object.keys(ctx.env)) };\n",
  );
  await write(".env", "GREETING=hello\nlower=refused\n");
  const dev = await startDev();
  await dev.shows(/live +a@1/);
  expect(await textOf(dev.post("/a"))).toBe('["GREETING"]');
  await dev.kill();
  await until("all that it had started has ended", async () => {
    return (await processesLeft()).length === 0;
  });
  await write(".env", "OTHER=one\n");
  const again = await startDev();
  await again.shows(/live +a@2/);
  expect(await textOf(again.post("/a"))).toBe('["OTHER"]');
  await again.interrupt();
}, 120_000);

test.skipIf(postgres === undefined)(
  "new files of schema/ are applied, and one that was applied and changed says what to do (needs PostgreSQL)",
  async () => {
    await write("schema/001_todos.sql", "create table todos (id int primary key);\n");
    await write(
      "functions/todos/index.ts",
      `import { defineFunction } from "@reactor/functions";
export default defineFunction({
  handler: async ({ input, ctx }) => {
    await ctx.db.query({ table: "todos", operation: "insert", data: input });
    return ctx.db.query({ table: "todos", operation: "select", order_by: "id" });
  },
});\n`,
    );
    const dev = await startDev();
    await dev.shows(/schema +001_todos\.sql/);
    await dev.shows(/live +todos@1/);
    const add = async (row: object) => {
      const body = JSON.stringify(row);
      const answer = await fetch(`${dev.url}/todos`, { method: "POST", body });
      return [answer.status, await answer.json()];
    };
    expect(await add({ id: 1 })).toEqual([200, [{ id: 1 }]]);
    await write("schema/002_titles.sql", "alter table todos add title text;\nselec;\n");
    expect(await dev.shows(/failed +schema: [^\n]+\n/)).toMatch(/002_titles\.sql[^\n]*line 2/);
    expect((await add({ id: 2 }))[0]).toBe(200);
    await write("schema/002_titles.sql", "alter table todos add title text;\n");
    await dev.shows(/schema +002_titles\.sql/);
    expect(await add({ id: 3, title: "new" })).toEqual([
      200,
      [
        { id: 1, title: null },
        { id: 2, title: null },
        { id: 3, title: "new" },
      ],
    ]);
    const mark = dev.mark();
    await write("schema/001_todos.sql", "create table todos (id bigint primary key);\n");
    expect(await dev.shows(/failed +schema: [^\n]+\n/, mark)).toMatch(
      /001_todos\.sql was applied on .* has changed since; restore it, and make the change in a new file/,
    );
    expect((await add({ id: 4 }))[0]).toBe(200);
    const pid = Number(
      (await readFile(join(home, ".reactor/dev/postgres/cluster/postmaster.pid"), "utf8")).split(
        "\n",
      )[0],
    );
    await dev.kill();
    await until("PostgreSQL has ended with it", () => !existsSync(`/proc/${pid}`));
    await write("schema/001_todos.sql", "create table todos (id int primary key);\n");
    const again = await startDev();
    await again.shows(/live +todos@2/);
    const rows = await fetch(`${again.url}/todos`, { method: "POST", body: '{"id":5}' });
    expect(await rows.json()).toHaveLength(5);
    await again.interrupt();
    expect(await processesLeft()).toEqual([]);
  },
  240_000,
);

test("a functions folder that is renamed away and back is watched again", async () => {
  await write("functions/a/index.ts", answering("a"));
  const dev = await startDev();
  await dev.shows(/live +a@1/);
  await rename(join(home, "functions"), join(home, "elsewhere"));
  await dev.shows(/failed +Cannot find a project/);
  await rename(join(home, "elsewhere"), join(home, "functions"));
  // Rounds follow each other: at the second key the one that saw the folder come back is over.
  await write(".env", "A=1\n");
  await dev.shows(/env +A\n/);
  await write(".env", "A=1\nB=1\n");
  await dev.shows(/env +B\n/);
  await write("functions/a/index.ts", answering("back"));
  await dev.shows(/live +a@2/);
  expect(await textOf(dev.post("/a"))).toBe("back");
}, 120_000);
