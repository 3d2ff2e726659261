import { strict as assert } from "node:assert";
import { until } from "../e2e/reactor.ts";
import type { SourceText } from "./source-text.ts";
import { somePackage } from "./world.ts";

/** A function as the text defines them, with other statements in its handler. */
function inHandler(body: string): string {
  return `import { defineFunction } from "@flux/functions";
    export default defineFunction({ handler: async ({ input, ctx }) => { ${body} } });`;
}

/** The Flux family's own text. Its commands start with `flux`; `flux` is `reactor` here. */

export const fluxFunctions: SourceText = {
  family: "Flux",
  file: "flux-functions.txt",
  entries: [
    {
      lines: [7, 14],
      block: [
        'import { defineFunction } from "@flux/functions";',
        "export default defineFunction({",
        'name: "greet",',
        "handler: async ({ input, ctx }) => {",
        'ctx.log("invoked with", input);',
        "return { message: `Hello, ${input.name}!` };",
        "},",
        "});",
      ],
      needs: ["handler shape 2"],
      async run({ server, call }, block) {
        await server.deploy("greet", block);
        const response = await call("POST", "/fn/v1/greet", { name: "Flux" });
        assert.deepEqual(await response.json(), { message: "Hello, Flux!" });
      },
    },
    {
      lines: [16, 16],
      block: "handler: async ({ input, ctx }: HandlerArgs) => Result",
      needs: ["handler shape 2"],
      async run({ server, call }, block) {
        // The signature, with its types, around the smallest body.
        const method = block
          .replace("=> Result", ": Promise<Result> => input")
          .replace("HandlerArgs) :", "HandlerArgs):");
        const types =
          "type Result = unknown; type HandlerArgs = { input: Record<string, unknown>; ctx: unknown };";
        await server.deploy(
          "signature",
          `import { defineFunction } from "@flux/functions";\n${types}\nexport default defineFunction({ ${method} });`,
        );
        assert.deepEqual(await (await call("POST", "/fn/v1/signature", { a: 1 })).json(), { a: 1 });
      },
    },
    {
      lines: [19, 19],
      block: "input | Record<string,unknown> | JSON body parsed from the HTTP request |",
      needs: ["handler shape 2"],
      async run({ server, call }) {
        await server.deploy("echo", inHandler("return input;"));
        assert.deepEqual(await (await call("POST", "/fn/v1/echo", { a: [1] })).json(), { a: [1] });
      },
    },
    {
      lines: [20, 20],
      block: "ctx | FluxContext | Runtime context — logging, secrets, env, db |",
      needs: ["handler shape 2", "database"],
      async run({ server, call }) {
        await server.deploy(
          "context",
          inHandler(
            "return [typeof ctx.log, typeof ctx.secrets.get, typeof ctx.env, typeof ctx.db.query];",
          ),
        );
        assert.deepEqual(await (await call("POST", "/fn/v1/context", {})).json(), [
          "function",
          "function",
          "object",
          "function",
        ]);
      },
    },
    {
      lines: [22, 22],
      block: "ctx.log(...args)",
      needs: ["foundation"],
      async run({ server, call, type }, block) {
        await server.deploy(
          "logs",
          "export default { fetch(request, ctx) { const args = ['one', 2]; " +
            block +
            "; return new Response(); } };",
        );
        await call("POST", "/fn/v1/logs", {});
        assert.match(await type("flux logs logs"), /one 2/);
      },
    },
    {
      lines: [24, 24],
      block: 'ctx.log("processing", { user_id: input.user_id });',
      needs: ["foundation"],
      async run({ server, call, type }, block) {
        await server.deploy(
          "logged",
          `export default { async fetch(request, ctx) { const input = await request.json(); ${block} return new Response(); } };`,
        );
        const response = await call("POST", "/fn/v1/logged", { user_id: "u-7" });
        const lines = await type("flux logs logged --json");
        assert.match(lines, /processing.*u-7/);
        assert.ok(lines.includes(response.headers.get("x-request-id") ?? "no request id"));
      },
    },
    {
      lines: [25, 26],
      block: [
        "ctx.env",
        "Environment variables configured for the project (set via flux secrets set).",
      ],
      needs: ["foundation", "project secrets"],
      async run({ server, call, type }) {
        await server.deploy(
          "envs",
          "export default { fetch: (request, ctx) => Response.json(ctx.env.API_URL) };",
        );
        await type("flux secrets set API_URL", "https://api.example.com\n");
        assert.equal(await (await call("GET", "/fn/v1/envs")).json(), "https://api.example.com");
        await type("flux secrets unset API_URL");
      },
    },
    {
      lines: [27, 28],
      block: ["const apiUrl = ctx.env.API_URL;", 'const region = ctx.env.REGION ?? "us-east-1";'],
      needs: ["foundation"],
      async run({ server, call, type }, block) {
        await server.deploy(
          "region",
          `export default { fetch(request, ctx) { ${block} return Response.json({ apiUrl, region }); } };`,
        );
        await type("flux functions env set region API_URL https://api.example.com");
        const response = await call("GET", "/fn/v1/region");
        assert.deepEqual(await response.json(), {
          apiUrl: "https://api.example.com",
          region: "us-east-1",
        });
      },
    },
    {
      lines: [29, 31],
      block: [
        "ctx.secrets.get(key)",
        "Retrieves a secret value from the encrypted secrets store.",
        'const apiKey = await ctx.secrets.get("OPENAI_API_KEY");',
      ],
      needs: ["foundation"],
      async run({ server, call, type }, block) {
        const line = block.split("\n").at(-1);
        await server.deploy(
          "asks",
          `export default { async fetch(request, ctx) { ${line} return Response.json(apiKey.length); } };`,
        );
        await type("flux functions env set asks OPENAI_API_KEY --secret", "sk-0123456789\n");
        assert.equal(await (await call("GET", "/fn/v1/asks")).json(), 13);
      },
    },
    {
      lines: [32, 38],
      block: [
        "ctx.db.query(params)",
        "Execute a structured database query. See the Database guide for full reference.",
        "const rows = await ctx.db.query({",
        'table: "todos",',
        'operation: "select",',
        'filters: [{ column: "done", op: "eq", value: false }],',
        "});",
      ],
      needs: ["database"],
      async run({ server, write, type, call }, block) {
        await write(
          "schema/1_todos.sql",
          `create table todos (id serial primary key, title text, done boolean not null default false);
          insert into todos (title, done) values ('Buy milk', false), ('Buy bread', true);`,
        );
        await type("flux db migrate");
        const [, , ...query] = block.split("\n");
        await server.deploy("todos", inHandler(`${query.join("\n")} return rows;`));
        assert.deepEqual(await (await call("POST", "/fn/v1/todos", {})).json(), [
          { id: 1, title: "Buy milk", done: false },
        ]);
      },
    },
    {
      lines: [41, 46],
      block: [
        "{",
        '"name": "create_todo",',
        '"runtime": "deno",',
        '"route": "/create_todo",',
        '"method": "POST"',
        "}",
      ],
      needs: ["projects", "deno", "routes", "handler shape 2"],
      async run({ write, type, call }, block) {
        await write("functions/create_todo/flux.json", block);
        await write("functions/create_todo/index.ts", inHandler("return { title: input.title };"));
        await type("flux deploy");
        const made = await call("POST", "/create_todo", { title: "test" });
        assert.deepEqual(await made.json(), { title: "test" });
      },
    },
    {
      lines: [49, 49],
      block: "name | ✔ | Unique function name within the project |",
      needs: ["foundation"],
      async run({ call }) {
        const created = await call("POST", "/api/v1/functions", { name: "unique" });
        const again = await call("POST", "/api/v1/functions", { name: "unique" });
        assert.deepEqual([created.status, again.status], [201, 409]);
      },
    },
    {
      lines: [50, 50],
      block: 'runtime | ✔ | "deno" (default) or "node" |',
      needs: ["deno", "node", "handler shape 2"],
      async run({ write, type, call }) {
        const which = 'return { deno: "Deno" in globalThis, title: input.title };';
        const kinds = [
          { name: "by_default", manifest: {}, deno: true },
          { name: "on_deno", manifest: { runtime: "deno" }, deno: true },
          { name: "on_node", manifest: { runtime: "node" }, deno: false },
        ];
        for (const { name, manifest, deno } of kinds) {
          await write(`${name}/index.ts`, inHandler(which));
          await write(`${name}/flux.json`, JSON.stringify({ name, ...manifest }));
          await type(`flux functions deploy ${name} --dir ./${name} --create --promote`);
          const answer = await call("POST", `/fn/v1/${name}`, { title: "test" });
          assert.deepEqual(await answer.json(), { deno, title: "test" });
        }
      },
    },
    {
      lines: [51, 52],
      block: [
        "route | HTTP route path (defaults to /<name>) | |",
        "method | HTTP method (defaults to POST) | |",
      ],
      needs: ["routes", "deno", "handler shape 2"],
      async run({ write, type, call }) {
        for (const [name, manifest] of [
          ["by_its_name", {}],
          ["by_its_route", { route: "/elsewhere", method: "GET" }],
        ] as const) {
          await write(`${name}/index.ts`, inHandler("return input;"));
          await write(`${name}/flux.json`, JSON.stringify({ name, ...manifest }));
          await type(`flux functions deploy ${name} --dir ./${name} --create --promote`);
        }
        const posted = await call("POST", "/by_its_name", { title: "test" });
        assert.deepEqual(await posted.json(), { title: "test" });
        const got = await call("GET", "/elsewhere?title=test");
        assert.deepEqual(await got.json(), { title: "test" });
        const other = await call("GET", "/by_its_name");
        assert.deepEqual([other.status, other.headers.get("allow")], [405, "POST"]);
        assert.equal((await call("POST", "/by_its_route", {})).status, 404);
      },
    },
    {
      lines: [53, 53],
      block: "async | If true, function runs asynchronously (fire-and-forget) |",
      needs: ["async"],
      async run({ server, write, type }, block) {
        const [key = ""] = block.split(" | ");
        await write(
          "fire/flux.json",
          JSON.stringify({ name: "fire", runtime: "deno", [key]: true }),
        );
        await write("fire/index.ts", inHandler("return { asked: input.n };"));
        await type("flux functions deploy fire --dir fire --create --promote");
        const answer = await server.client.invoke("fire", { body: '{"n":7}' });
        assert.equal(answer.status, 202);
        const { status_url: url }: { status_url: string } = await answer.json();
        let told: { state: string; queued: { result: { body: unknown } | null } } | undefined;
        await until("it ran", async () => {
          told = await (await fetch(url)).json();
          return told?.state === "succeeded";
        });
        assert.deepEqual(told?.queued.result?.body, { asked: 7 });
      },
    },
    {
      lines: [55, 59],
      block: [
        "my-project/",
        "functions/",
        "my_function/",
        "index.ts ← handler",
        "flux.json ← config",
      ],
      needs: ["projects", "routes"],
      async run({ write, type, call }, block) {
        const [, , folder = "", handler = "", config = ""] = block.split("\n");
        const file = (line: string): string => `functions/${folder}${line.split(" ")[0]}`;
        const name = "in_its_folder";
        await write(file(handler), inHandler("return 'from its folder';"));
        await write(file(config), JSON.stringify({ name }));
        await type(`flux deploy --only ${name}`);
        assert.equal(await (await call("POST", `/${name}`, {})).json(), "from its folder");
      },
    },
    {
      lines: [60, 60],
      block: "package.json ← npm dependencies for this function (optional)",
      needs: ["dependencies"],
      async run({ registry, write, type, call }, block) {
        const [file = ""] = block.split(" ");
        const tables = { dependencies: { [somePackage.name]: "^1.0.0" } };
        const locked = { [`node_modules/${somePackage.name}`]: registry.lockEntry(somePackage) };
        await write(`my_function/${file}`, JSON.stringify(tables));
        await write(
          "my_function/package-lock.json",
          JSON.stringify({ lockfileVersion: 3, packages: { "": tables, ...locked } }),
        );
        await write(
          "my_function/index.ts",
          `import slugify from "${somePackage.name}"; ${inHandler("return slugify(input.title);")}`,
        );
        await type("flux functions deploy my_function --dir my_function --create --promote");
        const response = await call("POST", "/fn/v1/my_function", { title: "Buy Milk" });
        assert.equal(await response.json(), "buy-milk");
      },
    },
    {
      lines: [61, 63],
      block: ["schema/", "*.sql ← database migrations", ".env.example"],
      needs: ["projects", "database"],
      async run({ write, type }, block) {
        const folder = block.split("\n")[0] ?? "";
        await write(`my-project/${folder}2_notes.sql`, "create table notes (id int);");
        assert.match(await type(`flux db migrate my-project/${folder}`), /Applied 2_notes.sql/);
        assert.match(await type(`flux db status my-project/${folder}`), /2_notes.sql +applied/);
      },
    },
    {
      lines: [65, 66],
      block: ["# Run a function locally (watches for changes)", "$ flux dev"],
      needs: ["dev"],
      async run({ write, follow, home }, block) {
        await write("in-dev/functions/in_dev/index.ts", inHandler('return "in dev";'));
        const line = block.split("\n")[1]?.slice(2) ?? "";
        const typed = `sh -c 'cd in-dev && exec ${line} --listen 127.0.0.1:0'`;
        await follow(typed, "in_dev@1  POST http://127.0.0.1:", async () => {
          await until("the project's own data folder", () =>
            Bun.file(`${home}/in-dev/.reactor/dev/reactor.db`).exists(),
          );
        });
      },
    },
    {
      lines: [67, 68],
      block: ["# Invoke directly", '$ flux invoke create_todo --payload \'{"title":"test"}\''],
      needs: ["projects", "deno", "routes"],
      async run({ type }, block) {
        // The function of the config above.
        assert.deepEqual(JSON.parse(await type(block.split("\n")[1] ?? "")), { title: "test" });
      },
    },
    {
      lines: [70, 71],
      block: ["# Deploy all functions in the project", "$ flux deploy"],
      needs: ["projects", "routes", "deno"],
      async run({ write, type, call }, block) {
        for (const name of ["first_of_all", "second_of_all"]) {
          await write(`app/functions/${name}/flux.json`, JSON.stringify({ name }));
          await write(`app/functions/${name}/index.ts`, inHandler(`return "${name}";`));
        }
        await type(`sh -c 'cd app && ${block.split("\n")[1]?.slice(2)}'`);
        for (const name of ["first_of_all", "second_of_all"]) {
          assert.equal(await (await call("POST", `/${name}`, {})).json(), name);
        }
      },
    },
    {
      lines: [72, 74],
      block: [
        "# Deploy a single function (from inside its directory)",
        "$ cd functions/create_todo",
        "$ flux deploy",
      ],
      needs: ["projects", "routes", "deno"],
      async run({ write, type, call }, block) {
        const [, go = "", deploy = ""] = block.split("\n").map((line) => line.replace("$ ", ""));
        const folder = "single/functions/create_todo";
        await write(`${folder}/flux.json`, JSON.stringify({ name: "one_of_many" }));
        await write(`${folder}/index.ts`, inHandler("return 'alone';"));
        await write("single/functions/broken/index.ts", "export default {");
        await type(`sh -c 'cd single && ${go} && ${deploy}'`);
        assert.equal(await (await call("POST", "/one_of_many", {})).json(), "alone");
      },
    },
  ],
};
