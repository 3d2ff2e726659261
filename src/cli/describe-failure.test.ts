import { expect, test } from "bun:test";
import { describeFailure } from "./describe-failure.ts";

function described(message: string, log: string): string {
  return describeFailure({ message, log });
}

test("a log that says what the message says adds nothing", () => {
  const line = "index.ts:2:1: Unexpected end of file\n    ";
  expect(described(`Cannot bundle the function: ${line}`, line)).toBe(
    "Cannot bundle the function: index.ts:2:1: Unexpected end of file",
  );
});

test("of an error's log the function's own frames and what is new are left, not the platform's", () => {
  const message = "Cannot start instance ins_1: it could not load its module: No handler found";
  const log = [
    "Error: No handler found",
    "    at code/index.ts:1:11",
    "    at fe (/runtime/guest.js:4:12797)",
    "    at file:///runtime/guest.js:6:3328",
    "    at ce (blob:null/5a4f3cfe-d38e-4700-8566-122b144e3323:4:12788)",
    "Instance ins_1 could not load its module: No handler found",
    "code/index.ts:1:8: the export x",
  ].join("\n");
  expect(described(message, log)).toBe(
    `${message}\n\n    at code/index.ts:1:11\ncode/index.ts:1:8: the export x`,
  );
});

test("what the function printed stays, blank lines in it too, without control characters", () => {
  expect(described("it ended", "hello\u001b[2J\n\nthere\n")).toBe("it ended\n\nhello\n\nthere");
  expect(described("it ended", "")).toBe("it ended");
});
