import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, startServer, type TestServer } from "./reactor.ts";

/** `reactor client generate` against a real server: its files are checked by tsc and call for real. */
let server: TestServer;
let folder: string;
let client: string;
let openapi: string;

const priced = `import { defineFunction } from "@reactor/functions";
export default defineFunction({
  input: {
    type: "object",
    properties: {
      item: { enum: ["tea", '"; globalThis.escaped = 1; "', "*/ escaped /*"] },
      count: { type: "integer", minimum: 1 },
    },
    required: ["item"],
    additionalProperties: false,
  },
  output: { type: "object", properties: { cents: { type: "number" } }, required: ["cents"] },
  handler: ({ input }) => ({ cents: 250 * (input.count ?? 1) }),
});`;
const plain = `export default (request) => new Response("plain " + request.method, {
  status: request.headers.has("x-fail") ? 418 : 200,
});`;

const usage = `import { createClient, FunctionError } from "./client.ts";
const client = createClient({ url: "http://127.0.0.1:1", key: "rk_x" });
export async function use(): Promise<number> {
  const { cents } = await client["price-of"]({ item: "tea", count: 2 });
  const text: unknown = await client.plain();
  // @ts-expect-error a member that the schema needs is missing
  await client["price-of"]({ count: 2 });
  // @ts-expect-error a value that the schema does not list
  await client["price-of"]({ item: "coffee" });
  // @ts-expect-error a member that the schema does not know
  await client["price-of"]({ item: "tea", more: 1 });
  // @ts-expect-error no such function
  await client.absent();
  if (text instanceof FunctionError && text.code === "input_validation_error") return 0;
  return cents;
}
`;

beforeAll(async () => {
  server = await startServer();
  folder = await mkdtemp(join(tmpdir(), "reactor-typed-client-"));
  client = join(folder, "client.ts");
  openapi = join(folder, "openapi.json");
  await server.deploy("price-of", priced, { route: "/prices/:shop", method: "POST" });
  await server.deploy("plain", plain, { access: "key" });
  const unborn = await server.cli("functions", "create", "unborn");
  expect(unborn.code).toBe(0);
  const generated = await server.cli("client", "generate", "--out", client, "--openapi", openapi);
  expect(generated).toMatchObject({ code: 0, stdout: `Wrote ${client}\nWrote ${openapi}\n` });
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

test("the client type-checks strictly, and its types are those of the schemas", async () => {
  await writeFile(join(folder, "usage.ts"), usage);
  const flags = "--noEmit --strict --noUncheckedIndexedAccess --exactOptionalPropertyTypes";
  const more = "--noUnusedLocals --erasableSyntaxOnly --allowImportingTsExtensions --types";
  const modules = "--module nodenext --target es2024 --lib es2024,dom";
  const tsc = Bun.spawn(
    [
      process.execPath,
      join(root, "node_modules/typescript/bin/tsc"),
      ...`${flags} ${modules} ${more}`.split(" "),
      "",
      join(folder, "usage.ts"),
    ],
    { cwd: folder, stdout: "pipe", stderr: "pipe" },
  );
  const said = await new Response(tsc.stdout).text();
  expect([await tsc.exited, said]).toEqual([0, ""]);
}, 120_000);

type Call = (input?: unknown, options?: { headers: Record<string, string> }) => Promise<unknown>;
interface Generated {
  readonly createClient: (options: { url: string; key?: string }) => Record<string, Call>;
}

test("the client calls the functions, and its errors are typed", async () => {
  const { createClient } = (await import(client)) as Generated;
  const {
    "price-of": price,
    plain: call,
    ...others
  } = createClient({
    url: `${server.url}/`,
    key: server.key,
  });
  expect(others).toEqual({});
  expect(await price?.({ item: "tea", count: 2 })).toEqual({ cents: 500 });
  expect(await call?.()).toBe("plain POST");
  const refused = await price?.({ item: "coffee" }).catch((error: unknown) => error);
  expect(refused).toMatchObject({
    name: "FunctionError",
    code: "input_validation_error",
    status: 400,
    requestId: expect.stringMatching(/^inv_/),
    details: { violations: [{ path: "/item" }] },
  });
  const chosen = call?.(undefined, { headers: { "x-fail": "1" } });
  expect(await chosen?.catch((error: unknown) => error)).toMatchObject({
    code: "function_answer",
    status: 418,
    body: "plain POST",
  });
  const keyless = createClient({ url: server.url })["plain"]?.();
  expect(await keyless?.catch((error: unknown) => error)).toMatchObject({ code: "auth_required" });
  expect("escaped" in globalThis).toBe(false);
});

test("the OpenAPI document has the routes with their schemas", async () => {
  const document: unknown = JSON.parse(await readFile(openapi, "utf8"));
  expect(document).toMatchObject({
    openapi: "3.1.0",
    paths: {
      "/prices/{shop}": {
        post: { operationId: "price-of", parameters: [{ name: "shop", in: "path" }] },
      },
    },
    components: { schemas: { "price-of.output": { required: ["cents"] } } },
  });
});

test("the OpenAPI document is a valid one, and code is made of it", async () => {
  const types = join(folder, "routes.ts");
  // With these rules it checks the whole document by the OpenAPI specification before it makes anything.
  const rules =
    "struct no-unresolved-refs path-params-defined operation-operationId-unique operation-parameters-unique no-identical-paths path-declaration-must-exist spec-components-invalid-map-name";
  const config = `rules:\n${rules.replaceAll(/(\S+) ?/g, "  $1: error\n")}`;
  await writeFile(join(folder, "redocly.yaml"), config);
  const cli = join(root, "scripts/node_modules/openapi-typescript/bin/cli.js");
  const run = (...argv: string[]) =>
    Bun.spawn([process.execPath, ...argv], { cwd: folder, stdout: "pipe", stderr: "pipe" });
  const made = run(cli, openapi, "-o", types);
  expect([await made.exited, await new Response(made.stderr).text()]).toEqual([0, ""]);
  const tsc = run(join(root, "node_modules/typescript/bin/tsc"), "--noEmit", "--strict", types);
  expect([await tsc.exited, await new Response(tsc.stdout).text()]).toEqual([0, ""]);
  expect(await readFile(types, "utf8")).toContain('"/prices/{shop}"');
  const invalid = join(folder, "invalid.json");
  const text = await readFile(openapi, "utf8");
  for (const [part, wrong] of [
    ['"operationId"', '"operationName"'],
    ["{shop}", "{other}"],
    ["#/components/schemas/price-of.output", "#/components/schemas/absent"],
  ] as const) {
    await writeFile(invalid, text.replace(part, wrong));
    expect([wrong, await run(cli, invalid, "-o", types).exited]).toEqual([wrong, 1]);
  }
}, 120_000);

test("a file that cannot be written is said, and so is a project without functions", async () => {
  const nowhere = join(folder, "absent", "client.ts");
  const unwritten = await server.cli("client", "generate", "--out", nowhere);
  expect(unwritten.code).toBe(1);
  expect(unwritten.stderr).toContain(`Cannot write ${nowhere}`);
  expect((await server.cli("projects", "create", "empty")).code).toBe(0);
  const none = await server.cli("client", "generate", "--project", "empty", "--out", client);
  expect(none.code).toBe(1);
  expect(none.stderr).toContain("no function is in production");
});
