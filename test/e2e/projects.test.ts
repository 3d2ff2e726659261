import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { reactor, type RunResult, startServer, type TestServer } from "./reactor.ts";

let server: TestServer;
let home: string;
let files = 0;

beforeAll(async () => {
  server = await startServer({ args: ["--runtimes", "bun,deno"] });
});
afterAll(() => server.stop());

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "reactor-project-"));
});
afterEach(() => rm(home, { recursive: true }));

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(join(home, file)), { recursive: true });
  await writeFile(join(home, file), text);
}

/** Types a command in a folder of the project. */
function type(line: string, folder = ".", stdin = ""): Promise<RunResult> {
  const env = { REACTOR_URL: server.url, REACTOR_API_KEY: server.key };
  return reactor(line.split(" "), { cwd: join(home, folder), env, stdin });
}

async function typed(line: string, folder?: string, stdin?: string): Promise<string> {
  const { code, stdout, stderr } = await type(line, folder, stdin);
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

function post(path: string, body: unknown): Promise<Response> {
  return server.fetch(path, {
    method: "POST",
    headers: { "x-reactor-key": server.key, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** The name of a function that no other test has, since all share the project `default`. */
function fresh(name: string): string {
  files += 1;
  return `${name}_${files}`;
}

function answering(text: string): string {
  return `export default { fetch: () => new Response(${JSON.stringify(text)}) };`;
}

describe("reactor deploy", () => {
  test("of the Flux text's project puts its function at its route, from the root and from its folder", async () => {
    await write(
      "functions/create_todo/index.ts",
      `import { defineFunction } from "@flux/functions";
export default defineFunction({
name: "create_todo",
handler: async ({ input, ctx }) => {
ctx.log("creating", input);
return { message: \`Hello, \${input.title}!\` };
},
});`,
    );
    await write(
      "functions/create_todo/flux.json",
      `{
"name": "create_todo",
"runtime": "deno",
"route": "/create_todo",
"method": "POST"
}`,
    );
    expect(await typed("deploy")).toMatch(/create_todo +@1 +live +POST \/create_todo/);
    const answer = await post("/create_todo", { title: "test" });
    expect(await answer.json()).toEqual({ message: "Hello, test!" });
    expect(answer.headers.get("x-reactor-function")).toBe("create_todo@1");
    expect(await typed("deploy", "functions/create_todo")).toMatch(/create_todo +@2 +live/);
    expect((await post("/create_todo", {})).headers.get("x-reactor-function")).toBe(
      "create_todo@2",
    );
  });

  test("routes a reactor.json, and a folder without a manifest, by name", async () => {
    const [a, b] = [fresh("named"), fresh("bare")];
    await write(`functions/one/reactor.json`, JSON.stringify({ name: a, method: "GET" }));
    await write(`functions/one/index.ts`, answering("one"));
    await write(`functions/${b}/index.ts`, answering("two"));
    const lines = await typed("deploy");
    expect(lines).toContain(`GET /${a}`);
    expect(lines).toContain(`POST /${b}`);
    const headers = { "x-reactor-key": server.key };
    expect(await (await server.fetch(`/${a}`, { headers })).text()).toBe("one");
    expect(await (await post(`/${b}`, {})).text()).toBe("two");
  });

  test("puts nothing live when one of them fails, and says which and why", async () => {
    const [good, bad] = [fresh("good"), fresh("bad")];
    await write(`functions/${good}/index.ts`, answering("first"));
    await typed("deploy");
    await write(`functions/${good}/index.ts`, answering("second"));
    await write(`functions/${bad}/index.ts`, "export default {");
    const { code, stdout, stderr } = await type("deploy");
    expect(code).toBe(1);
    expect(stdout).toMatch(new RegExp(`${good} +@2 +ready`));
    expect(stdout).toMatch(new RegExp(`${bad} +@1 +failed`));
    expect(stderr).toContain(`${bad}: `);
    expect(stderr).toContain("Nothing went live");
    expect(await (await post(`/${good}`, {})).text()).toBe("first");
    expect((await post(`/${bad}`, {})).status).toBe(404);
  });

  test("puts nothing live when a route is taken, and names who has it", async () => {
    const [owner, other, guest] = [fresh("owner"), fresh("other"), fresh("guest")];
    await write(`functions/${owner}/index.ts`, answering("owner"));
    await typed("deploy");
    await write(`functions/${other}/index.ts`, answering("other"));
    await write(`functions/${guest}/index.ts`, answering("guest"));
    await write(`functions/${guest}/reactor.json`, JSON.stringify({ route: `/${owner}` }));
    const { code, stderr } = await type("deploy");
    expect(code).toBe(1);
    expect(stderr).toContain(`it leads to function "${owner}"`);
    expect((await post(`/${other}`, {})).status).toBe(404);
  });

  test("refuses a route of the server's own, and puts nothing live", async () => {
    const [good, bad] = [fresh("beside"), fresh("reserved")];
    await write(`functions/${good}/index.ts`, answering("beside"));
    await write(`functions/${bad}/index.ts`, answering("bad"));
    for (const route of ["/fn/mine", "/api", "/console/x", "/.well-known/y"]) {
      await write(`functions/${bad}/reactor.json`, JSON.stringify({ route }));
      const { code, stderr } = await type("deploy");
      expect([route, code, stderr.includes(`${bad}: `)]).toEqual([route, 1, true]);
    }
    expect((await post(`/${good}`, {})).status).toBe(404);
  });

  test("takes only some with --only, and leaves traffic with --no-promote", async () => {
    const [a, b] = [fresh("some"), fresh("rest")];
    await write(`functions/${a}/index.ts`, answering("a"));
    await write(`functions/${b}/index.ts`, answering("b"));
    const { items } = JSON.parse(await typed(`deploy --no-promote --only ${a} --json`));
    expect(items).toMatchObject([{ function: a, live: false, deployment: { status: "ready" } }]);
    expect((await post(`/${a}`, {})).status).toBe(404);
    await typed(`deploy --only ${a},${b}`);
    expect(await (await post(`/${a}`, {})).text()).toBe("a");
    const wrong = await type("deploy --only nope");
    expect([wrong.code, wrong.stderr.includes(`it has ${b}, ${a}`)]).toEqual([2, true]);
  });

  test("says that migrations were not run when told so, and of no project what to do", async () => {
    const name = fresh("store");
    await write(`functions/${name}/index.ts`, answering("x"));
    await write("schema/001_todos.sql", "create table todos (id int);");
    for (const flag of ["--no-migrate", "--no-promote"]) {
      const { code, stderr } = await type(`deploy ${flag}`);
      expect([code, stderr.includes("schema/ were not run; reactor db migrate")]).toEqual([
        0,
        true,
      ]);
    }
    await mkdir(join(home, "empty"));
    const nothing = await type("deploy", "empty");
    expect([nothing.code, nothing.stderr.includes("reactor init")]).toEqual([2, true]);
  });
});

describe("secrets of a project", () => {
  test("reach every function without a redeploy, in ctx.secrets and ctx.env; its own go first", async () => {
    const [a, b] = [fresh("reads"), fresh("reads")];
    const code = `export default { fetch: async (request, ctx) =>
      Response.json([await ctx.secrets.get("API_TOKEN"), ctx.env.API_TOKEN]) };`;
    await write(`functions/${a}/index.ts`, code);
    await write(`functions/${b}/index.ts`, code);
    await typed("secrets set API_TOKEN", ".", "s3cret-of-all\n");
    await typed("deploy");
    const seen = async (name: string) => (await (await post(`/${name}`, {})).json()) as unknown;
    expect(await seen(a)).toEqual(["s3cret-of-all", "s3cret-of-all"]);
    await typed(`secrets set API_TOKEN --function ${b}`, ".", "s3cret-of-b\n");
    await typed("secrets set API_TOKEN", ".", "s3cret-of-all-2\n");
    expect(await seen(a)).toEqual(["s3cret-of-all-2", "s3cret-of-all-2"]);
    expect(await seen(b)).toEqual(["s3cret-of-b", "s3cret-of-b"]);
    expect(await typed("secrets get API_TOKEN")).toMatch(/version +2\nage +\d+s\n/);
    const listed = [
      await typed("secrets list --json"),
      await typed(`secrets list --function ${b} --json`),
      await typed("secrets get API_TOKEN --json"),
    ].join("");
    expect(listed).toContain("API_TOKEN");
    expect(listed).not.toContain("s3cret");
    await typed("secrets unset API_TOKEN");
    expect((await post(`/${a}`, {})).status).toBe(500);
    expect(await seen(b)).toEqual(["s3cret-of-b", "s3cret-of-b"]);
  });
});

test("reactor logs in a function's folder and for one request shows what was written", async () => {
  const name = fresh("writes");
  await write(
    `functions/${name}/index.ts`,
    'export default { fetch: (request, ctx) => { ctx.log("one of many", 7); return new Response(); } };',
  );
  await typed("deploy");
  const answer = await post(`/${name}`, {});
  const id = answer.headers.get("x-request-id");
  await post(`/${name}`, {});
  const here = await typed(`logs --request ${id} --level info`, `functions/${name}`);
  expect(here).toMatch(/^\S+ info +one of many 7 +\S+\n$/);
  const all = await typed(`logs --request ${id} --since 1h`);
  expect(all).toContain(`${name} one of many 7`);
  expect(all.trimEnd().split("\n").length).toBe(1);
});

test("a project beside default is reached by name, header and host, and by its own keys only", async () => {
  await typed("projects create shop");
  expect(await typed("projects list")).toMatch(/^NAME +CREATED\ndefault .*\nshop /);
  const name = fresh("sells");
  await write(`functions/${name}/index.ts`, answering("in the shop"));
  await typed("deploy --project shop");
  const { key } = JSON.parse(
    await typed("keys create till --project shop --scope functions:*:invoke --json"),
  );
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const init = { method: "POST", headers: { "x-reactor-key": key, ...headers } };
    const response = await server.fetch(path, init);
    return response.status === 200 ? response.text() : response.status;
  };
  expect(await ask(`/fn/v1/shop:${name}`)).toBe("in the shop");
  expect(await ask(`/fn/v1/${name}`, { "x-reactor-project": "shop" })).toBe("in the shop");
  expect(await ask(`/${name}`, { "x-reactor-project": "shop" })).toBe("in the shop");
  expect(await ask(`/${name}`, { host: "shop.localhost" })).toBe("in the shop");
  expect(await ask(`/${name}`)).toBe(404);
  expect(await ask(`/fn/v1/${name}`)).toBe(404);
  await typed("deploy");
  expect(await ask(`/${name}`)).toBe(403);
  expect(await typed(`invoke ${name} --method POST --project shop`)).toBe("in the shop");
  const none = await type("deploy --project nope");
  expect([none.code, none.stderr.includes("reactor projects create")]).toEqual([1, true]);
});
