import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startServer, type TestServer } from "./reactor.ts";

/** The handler shapes, each deployed on a real server: the examples, and code that exports nothing. */
let server: TestServer;
const examples = join(import.meta.dirname, "..", "..", "examples");

beforeAll(async () => {
  server = await startServer();
});

afterAll(async () => {
  await server.stop();
});

async function deployExample(name: string): Promise<void> {
  await server.deploy(name, await readFile(join(examples, name, "code", "index.ts"), "utf8"));
}

function post(name: string, body: string): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return server.fetch(`/fn/v1/${name}`, { method: "POST", headers, body });
}

async function recordedShape(name: string): Promise<unknown> {
  const { stdout } = await server.cli("functions", "get", name, "--json");
  return (JSON.parse(stdout) as { shape: unknown }).shape;
}

test("the hello example is a fetch handler", async () => {
  await deployExample("hello");
  const response = await post("hello", '{"name":"you"}');
  expect(await response.json()).toEqual({ message: "Hello, you!" });
  expect(await recordedShape("hello")).toBe("fetch");
});

test("the calculator example is an event handler", async () => {
  await deployExample("calculator");
  const calculate = async (event: object): Promise<unknown> => {
    const response = await post("calculator", JSON.stringify(event));
    expect(response.headers.get("content-type")).toBe("application/json");
    return [response.status, await response.json()];
  };
  expect(await calculate({ operation: "add", a: 10, b: 5 })).toEqual([200, { result: 15 }]);
  expect(await calculate({ operation: "divide", a: 1, b: 0 })).toEqual([
    200,
    { result: "Error: Division by zero" },
  ]);
  expect(await calculate({ operation: "?" })).toEqual([400, { error: "Invalid operation" }]);
  expect(await recordedShape("calculator")).toBe("event");
});

test("the greeting example is made with defineFunction and checks its input", async () => {
  await deployExample("greeting");
  const greeted = await post("greeting", '{"name":"you","times":2}');
  expect(await greeted.json()).toEqual({ greetings: ["Hello, you!", "Hello, you!"] });
  const refused = await post("greeting", '{"name":"","more":1}');
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({
    error: {
      code: "input_validation_error",
      status: 400,
      request_id: refused.headers.get("x-request-id"),
      details: {
        function: "greeting",
        violations: [
          { path: "/name", message: "must have at least 1 characters" },
          { path: "/more", message: "is not a known property" },
        ],
      },
    },
  });
  expect(await recordedShape("greeting")).toBe("define_function");
  const { schemas } = await server.client.getDeployment("greeting", 1);
  expect(schemas?.input).toMatchObject({ type: "object", required: ["name"] });
});

test("a top-level function handler that is not exported is an event handler", async () => {
  await server.deploy("bare", "function handler(data) { return { doubled: data.n * 2 }; }");
  expect(await (await post("bare", '{"n":21}')).json()).toEqual({ doubled: 42 });
  expect(await recordedShape("bare")).toBe("event");
});

test("a default function is called with the request", async () => {
  await server.deploy("plain", "export default (request) => new Response(request.method);");
  expect(await (await server.fetch("/fn/v1/plain")).text()).toBe("GET");
  expect(await recordedShape("plain")).toBe("function");
});
