import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSeededRandom } from "../base/random.ts";
import { linesIn, readBlocks, readBlocksBackward } from "./segment-blocks.ts";

describe("blocks of a segment", () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "reactor-blocks-"));
    path = join(folder, "segment");
  });
  afterEach(() => rm(folder, { recursive: true }));

  const forward = async (bytes: number): Promise<string[]> => {
    const blocks = await Array.fromAsync(readBlocks(path, bytes));
    return blocks.flatMap((block) => linesIn(block));
  };
  const backward = async (bytes: number): Promise<string[]> => {
    const blocks = await Array.fromAsync(readBlocksBackward(path, bytes));
    return blocks.toReversed().flatMap((block) => linesIn(block));
  };

  test.each([1, 2, 3, 4, 5, 6])(
    "both directions give every line once, whatever their lengths (seed %p)",
    async (seed) => {
      const random = createSeededRandom(seed);
      const lengthMax = [10, 1_000, 100_000, 262_143, 262_144, 700_000][seed - 1] ?? 10;
      const lines = Array.from({ length: 2_000_000 / (lengthMax + 50) + 2 }, (_, i) =>
        `${i}:`.padEnd(random.uint32() % lengthMax, "é"),
      );
      await writeFile(path, `${lines.join("\n")}\n`);
      const bytes = Buffer.byteLength(`${lines.join("\n")}\n`);
      expect(await forward(bytes)).toEqual(lines);
      expect(await backward(bytes)).toEqual(lines);
    },
  );

  test("a reader goes no further than it is told, though the file is longer", async () => {
    await writeFile(path, "one\ntwo\nthree\n");
    expect(await forward(8)).toEqual(["one", "two"]);
    expect(await backward(8)).toEqual(["one", "two"]);
  });

  test("an empty or missing file has no lines", async () => {
    expect(await forward(0)).toEqual([]);
    expect([await forward(10), await backward(10)]).toEqual([[], []]);
  });

  test("linesIn() finds each line that holds the needle once", () => {
    const block = Buffer.from("a x\nb\nx x x\nc\nx\n");
    expect(linesIn(block, Buffer.from("x"))).toEqual(["a x", "x x x", "x"]);
    expect(linesIn(block, Buffer.from("y"))).toEqual([]);
  });
});
