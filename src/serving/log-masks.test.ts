import { expect, test } from "bun:test";
import type { LogLine } from "../domain/invocation.ts";
import { LogMasks } from "./log-masks.ts";

const line = (functionId: string, message: string): LogLine => ({
  atMs: 0,
  level: "info",
  source: "log",
  functionId,
  deploymentId: "dep_1",
  invocationId: undefined,
  requestId: undefined,
  message,
});

test("values are masked in the lines of the function that was handed them, and of no other", () => {
  const masks = new LogMasks();
  masks.add("fn_1", ["db.internal", "5432", "hunter2"]);
  expect(masks.masked(line("fn_1", "db.internal:5432 hunter2 aHVudGVyMg==")).message).toBe(
    "[secret]:[secret] [secret] [secret]",
  );
  expect(masks.masked(line("fn_2", "hunter2")).message).toBe("hunter2");
});

test("the newest 64 sets of values of a function are masked, those used again among them", () => {
  const masks = new LogMasks();
  for (let n = 100; n < 164; n++) masks.add("fn_1", [`password-${n}`]);
  masks.add("fn_1", ["password-100"]);
  masks.add("fn_1", ["password-200"]);
  const shown = (message: string): string => masks.masked(line("fn_1", message)).message;
  expect(shown("password-101")).toBe("password-101");
  expect(["password-100", "password-102", "password-200"].map(shown)).toEqual([
    "[secret]",
    "[secret]",
    "[secret]",
  ]);
});
