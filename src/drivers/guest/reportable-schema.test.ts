import { expect, test } from "bun:test";
import { z } from "zod";
import { reportableSchema } from "./reportable-schema.ts";

const standard = { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) };

test("a JSON Schema is told as it is, and none is not told", () => {
  const schema = { type: "object", properties: { n: { type: "integer" } } };
  expect(reportableSchema(schema, "input")).toEqual(schema);
  expect(reportableSchema(true, "output")).toBe(true);
  expect(reportableSchema(undefined, "input")).toBeUndefined();
});

test("a validator that can write itself as JSON Schema is told for its side", () => {
  const asked: unknown[] = [];
  const side = (name: string) => (options: unknown) => {
    asked.push(options);
    return { title: name };
  };
  const jsonSchema = { input: side("in"), output: side("out") };
  const extended = { "~standard": { ...standard, jsonSchema } };
  expect(reportableSchema(extended, "input")).toEqual({ title: "in" });
  expect(reportableSchema(extended, "output")).toEqual({ title: "out" });
  expect(asked).toEqual([{ target: "draft-2020-12" }, { target: "draft-2020-12" }]);
  const own = { "~standard": standard, toJSONSchema: ({ io }: { io: string }) => ({ title: io }) };
  expect(reportableSchema(own, "output")).toEqual({ title: "output" });
  const counted = z.object({ n: z.coerce.number().default(1) });
  expect(reportableSchema(counted, "output")).toMatchObject({ required: ["n"] });
});

test("a validator that cannot, or throws, or gives too much, is not told and stops nothing", () => {
  expect(reportableSchema({ "~standard": standard }, "input")).toBeUndefined();
  expect(reportableSchema(z.date(), "input")).toBeUndefined();
  expect(reportableSchema({ title: "x".repeat(40_000) }, "input")).toBeUndefined();
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  expect(reportableSchema(circular, "input")).toBeUndefined();
  const hostile = Object.defineProperty({}, "~standard", {
    get: () => {
      throw new Error("no");
    },
  });
  expect(reportableSchema(hostile, "input")).toBeUndefined();
});
