import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findPostgres } from "../../src/database/postgres/find-postgres.ts";
import { fluxFunctions } from "../compatibility/flux-functions.ts";
import { blockText } from "../compatibility/source-text.ts";
import { makeRunDir, root, startServer, type TestServer, until } from "./reactor.ts";

/** The example project of the Flux text, put together from its own lines and typed as they stand. */
const postgres = findPostgres({ setting: undefined, searchPath: process.env["PATH"] })[0];

/** Lines of the text, which `test/compatibility` compares with it word for word. */
function linesOf(first: number): string[] {
  const entry = fluxFunctions.entries.find(({ lines }) => lines[0] === first);
  if (entry === undefined) throw new Error(`The text has no block at line ${first}`);
  return blockText(entry).split("\n");
}

function handlerOf(...body: string[]): string {
  return [
    'import { defineFunction } from "@flux/functions";',
    "export default defineFunction({",
    "handler: async ({ input, ctx }) => {",
    ...body,
    "},",
    "});",
  ].join("\n");
}

const insert = `const [made] = await ctx.db.query({ table: "todos", operation: "insert", data: { title: input.title } });
return { ...made, apiUrl, region, keyLength: apiKey.length };`;

const project: Readonly<Record<string, string>> = {
  "functions/greet/index.ts": linesOf(7).join("\n"),
  "functions/greet/flux.json": '{ "name": "greet" }',
  "functions/create_todo/flux.json": linesOf(41).join("\n"),
  "functions/create_todo/index.ts": handlerOf(
    ...linesOf(24),
    ...linesOf(27),
    linesOf(29).at(-1) ?? "",
    insert,
  ),
  "functions/my_function/flux.json":
    '{ "name": "my_function", "runtime": "node", "method": "GET" }',
  "functions/my_function/package.json": '{ "name": "my_function" }',
  "functions/my_function/index.ts": handlerOf(...linesOf(32).slice(2), "return rows;"),
  "functions/later/flux.json": '{ "name": "later", "async": true }',
  "functions/later/index.ts": handlerOf(
    'await ctx.db.query({ table: "todos", operation: "update", data: { done: true }, filters: [{ column: "title", op: "eq", value: input.title }] });',
  ),
  "schema/001_todos.sql":
    "create table todos (id serial primary key, title text not null, done boolean not null default false);",
  ".env.example": "API_URL=\n",
};

describe.skipIf(postgres === undefined)("the Flux text's project (needs PostgreSQL)", () => {
  let server: TestServer;
  let home: string;
  let runDir: string;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "reactor-flux-"));
    runDir = await makeRunDir();
    for (const [file, text] of Object.entries(project)) {
      await mkdir(dirname(join(home, "my-project", file)), { recursive: true });
      await writeFile(join(home, "my-project", file), text);
    }
    await mkdir(join(home, "bin"));
    // Its commands start with `flux`, which is `reactor` here.
    await symlink(join(root, "bin/reactor"), join(home, "bin", "flux"));
    server = await startServer({
      args: ["--runtimes", "bun,node,deno"],
      env: { REACTOR_RUN_DIR: runDir },
    });
  }, 60_000);
  afterAll(async () => {
    await server.stop();
    await rm(home, { recursive: true });
    await rm(runDir, { recursive: true, force: true });
  }, 60_000);

  /** Types lines into a shell in the project's root; resolves with what they printed. */
  async function type(lines: string, stdin = ""): Promise<string> {
    const child = Bun.spawn(["sh", "-euc", lines], {
      cwd: join(home, "my-project"),
      env: {
        PATH: `${join(home, "bin")}:${process.env["PATH"] ?? ""}`,
        NO_COLOR: "1",
        REACTOR_URL: server.url,
        REACTOR_API_KEY: server.key,
        URL: server.url,
        KEY: server.key,
      },
      stdin: new Blob([stdin]),
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    expect([await child.exited, err]).toEqual([0, err]);
    return out;
  }

  /** What curl gets there: the body, then the status on a line of its own. */
  async function curl(options: string): Promise<[number, unknown]> {
    const auth = `-H "Authorization: Bearer $KEY" -H "Content-Type: application/json"`;
    const printed = await type(`curl -sS -w '\\n%{http_code}' ${auth} ${options}`);
    const [status = "", ...body] = printed.split("\n").toReversed();
    const text = body.toReversed().join("\n");
    return [Number(status), text === "" ? undefined : JSON.parse(text)];
  }

  /** Rows as PostgreSQL's own client shows them, past Reactor. */
  function rows(): Promise<string> {
    const socket = join(runDir, "postgres", "s");
    const select = "select title, done from todos order by id";
    return type(
      `${join(postgres ?? "", "psql")} -h ${socket} -U reactor -At reactor_default -c '${select}'`,
    );
  }

  test("is deployed by one command and called by curl at its routes, and its rows are in PostgreSQL", async () => {
    await type("flux secrets set OPENAI_API_KEY", "sk-0123456789\n");
    await type("flux secrets set API_URL", "https://api.example.com\n");
    const deploy = linesOf(70)[1]?.replace("$ ", "") ?? "";
    const table = await type(deploy);
    for (const line of [
      /create_todo +@1 +live +POST \/create_todo/,
      /greet +@1 +live +POST \/greet/,
      /my_function +@1 +live +GET \/my_function/,
    ]) {
      expect(table).toMatch(line);
    }
    expect(await curl(`$URL/greet -d '{"name":"Flux"}'`)).toEqual([
      200,
      { message: "Hello, Flux!" },
    ]);
    expect(await curl(`$URL/create_todo -d '{"title":"milk"}'`)).toEqual([
      200,
      {
        id: 1,
        title: "milk",
        done: false,
        apiUrl: "https://api.example.com",
        region: "us-east-1",
        keyLength: 13,
      },
    ]);
    expect(JSON.parse(await type(linesOf(67)[1]?.replace("$ ", "") ?? ""))).toMatchObject({
      title: "test",
    });
    expect(await curl("$URL/my_function")).toEqual([
      200,
      [
        { id: 1, title: "milk", done: false },
        { id: 2, title: "test", done: false },
      ],
    ]);
    expect(await rows()).toBe("milk|f\ntest|f\n");
    expect((await curl("$URL/create_todo"))[0]).toBe(405);
    expect(await type("flux logs create_todo")).toContain("processing");
  }, 120_000);

  test("runs an async function after the 202, and deploys one function from inside its folder", async () => {
    const [status, accepted] = await curl(`$URL/later -d '{"title":"milk"}'`);
    expect(status).toBe(202);
    const { status_url: url } = accepted as { status_url: string };
    await until("it has run", async () => {
      const { state } = (await (await fetch(url)).json()) as { state: string };
      return state === "succeeded";
    });
    expect(await rows()).toBe("milk|t\ntest|f\n");
    const [, go = "", deploy = ""] = linesOf(72).map((line) => line.replace("$ ", ""));
    expect(await type(`${go}\n${deploy}`)).toMatch(/^FUNCTION.*\ncreate_todo +@2 +live .*\n$/);
    expect((await curl(`$URL/create_todo -d '{"title":"bread"}'`))[0]).toBe(200);
    expect(await rows()).toBe("milk|t\ntest|f\nbread|f\n");
  }, 120_000);
});
