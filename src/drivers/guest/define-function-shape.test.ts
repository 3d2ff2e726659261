import { afterEach, expect, spyOn, test } from "bun:test";
import { z } from "zod";
import { defineFunction, isDefinedFunction, type StandardSchema } from "../../../sdk/index.ts";
import { adaptDefinedFunction } from "./define-function-shape.ts";

const ctx = {
  requestId: "req_1",
  functionName: "hello",
  deploymentId: "dep_1",
  timeoutMs: 1000,
  remainingMs: () => 990,
};

const logged = spyOn(console, "error").mockImplementation(() => {});
afterEach(() => void logged.mockClear());

function call(definition: unknown, request: Request): Promise<Response> {
  const defined: unknown = defineFunction(definition as { handler(): never });
  if (!isDefinedFunction(defined)) throw new Error("not marked");
  return adaptDefinedFunction(defined)(request, ctx);
}

function post(body: string): Request {
  return new Request("http://h/?q=1", { method: "POST", body });
}

interface Envelope {
  readonly error: { code: string; message: string; details: { violations: unknown } };
}

async function violationsOf(response: Response): Promise<unknown> {
  expect(response.status).toBe(400);
  const { error } = (await response.json()) as Envelope;
  expect(error).toMatchObject({
    code: "input_validation_error",
    status: 400,
    request_id: "req_1",
    details: { function: "hello", deployment_id: "dep_1", duration_ms: 10 },
  });
  return error.details.violations;
}

const echo = { handler: (given: { input: unknown }) => ({ got: given.input }) };
const positive = { type: "object", properties: { n: { minimum: 1 } }, required: ["n"] };

/** A validator that answers late and changes what it lets through. */
const doubled: StandardSchema<unknown, number> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: async (value) =>
      typeof value === "number"
        ? { value: value * 2 }
        : { issues: [{ message: "no number", path: ["a", { key: "b/c" }, 0] }] },
  },
};

test("input is the JSON body, of GET the query, and undefined without a body", async () => {
  expect(await (await call(echo, post('{"a":1}'))).json()).toEqual({ got: { a: 1 } });
  const queried = await call(echo, new Request("http://h/?a=1&b=2&a=3"));
  expect(await queried.json()).toEqual({ got: { a: ["1", "3"], b: "2" } });
  expect(await (await call(echo, post(""))).json()).toEqual({});
});

test("a Response passes and undefined is 204", async () => {
  const response = new Response("mine");
  expect(await call({ handler: () => response }, post("{}"))).toBe(response);
  expect((await call({ handler: async () => {} }, post("{}"))).status).toBe(204);
});

test("input that breaks a JSON Schema is 400 with its violations, and the handler is not called", async () => {
  let calls = 0;
  const definition = { input: positive, handler: () => (calls += 1) };
  expect(await violationsOf(await call(definition, post('{"n":0}')))).toEqual([
    { path: "/n", message: "must be at least 1" },
  ]);
  expect(await violationsOf(await call(definition, post("{}")))).toEqual([
    { path: "/n", message: "is required" },
  ]);
  expect(calls).toBe(0);
  expect((await call(definition, post('{"n":1}'))).status).toBe(200);
});

test("a Standard Schema may be async and gives the handler its own value", async () => {
  const definition = { ...echo, input: doubled };
  expect(await (await call(definition, post("4"))).json()).toEqual({ got: 8 });
  expect(await violationsOf(await call(definition, post("{}")))).toEqual([
    { path: "/a/b~1c/0", message: "no number" },
  ]);
});

for (const body of [
  "{",
  "nope",
  '{"a":1',
  '{"x":{"__proto__":{"polluted":1}}}',
  '{"__pro\\u0074o__":1}',
]) {
  test(`the body ${body} is 400 and pollutes nothing`, async () => {
    const merge = { handler: ({ input }: { input: object }) => Object.assign({}, input) };
    expect(await violationsOf(await call(merge, post(body)))).toMatchObject([{ path: "" }]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
}

test("output that breaks its schema fails the handler, with the violations in the log only", async () => {
  const definition = { output: positive, handler: () => ({ n: 0 }) };
  const outcome = await call(definition, post("{}")).catch(String);
  expect(outcome).toMatch(/breaks its output schema: see the log$/);
  expect(logged.mock.calls).toEqual([
    [expect.stringContaining("output schema"), [{ path: "/n", message: "must be at least 1" }]],
  ]);
});

test("a schema that cannot be used, or no handler, is refused when the function is loaded", () => {
  const load = (definition: object) => (): unknown => {
    const defined: unknown = defineFunction(definition as { handler(): never });
    return isDefinedFunction(defined) && adaptDefinedFunction(defined);
  };
  expect(load({ ...echo, input: { format: "email" } })).toThrow(
    /its `input` is not usable.*\/format/,
  );
  expect(load({ ...echo, output: 42 })).toThrow(/its `output` is not usable/);
  expect(load({})).toThrow(/no `handler` function/);
});

test("a zod schema validates as the Standard Schema that it is", async () => {
  const definition = { ...echo, input: z.object({ n: z.number().min(1) }) };
  expect(await (await call(definition, post('{"n":2,"m":3}'))).json()).toEqual({ got: { n: 2 } });
  expect(await violationsOf(await call(definition, post('{"n":0}')))).toMatchObject([
    { path: "/n" },
  ]);
});

test("the types of input and output come from the schemas", () => {
  const typed = defineFunction({
    input: doubled,
    handler: ({ input }) => ({ half: input.toFixed(0) }),
  });
  expect(isDefinedFunction(typed)).toBe(true);
});
