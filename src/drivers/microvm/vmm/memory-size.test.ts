import { expect, test } from "bun:test";
import { memorySizeFor } from "./memory-size.ts";

test.each([
  [1, 128],
  [128, 128],
  [129, 256],
  [513, 1024],
  [2049, 3072],
  [3072, 3072],
])("a machine for %i MB has %i", (memoryMb, size) => {
  expect(memorySizeFor(memoryMb)).toBe(size as 128);
});

test("there is no machine with more than 3072 MB", () => {
  expect(memorySizeFor(3073)).toBeUndefined();
});
