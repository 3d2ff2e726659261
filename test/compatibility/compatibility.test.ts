import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { findPostgres } from "../../src/database/postgres/find-postgres.ts";
import { microvmMissing } from "../../src/drivers/microvm/images/test-images.harness.ts";
import { root } from "../e2e/reactor.ts";
import { type CapabilityName, capabilities } from "./capabilities.ts";
import { codeLines } from "./source-blocks.ts";
import { blockText, type Entry, missingOf, stateOf } from "./source-text.ts";
import { sourceTexts } from "./source-texts.ts";
import { type OpenWorld, openWorld } from "./world.ts";

// The texts themselves are not part of the repository; they lie beside the checkout where it is made.
const sources = join(root, "../shared/sources");
const compared = existsSync(sources) ? test : test.skip;

/** 32 bytes in base64, in the place of the text's "base64-32-byte-key". */
/** Where there is none, entries about the database are skipped by name. */
const postgres = findPostgres({ setting: undefined, searchPath: process.env["PATH"] })[0];
const dataKey = Buffer.alloc(32, 7).toString("base64");

function typedText(entry: Entry, values: ReadonlyMap<string, string>): string {
  let text = blockText(entry);
  for (const [placeholder, name] of Object.entries(entry.replace ?? {})) {
    const value = values.get(name);
    if (value === undefined) throw new Error(`No earlier entry left "${name}" for ${placeholder}`);
    text = text.replace(placeholder, value);
  }
  return text;
}

for (const source of sourceTexts) {
  describe(source.file, () => {
    compared(
      "has every block and command in exactly one entry (needs ../shared/sources)",
      async () => {
        const text = await readFile(join(sources, source.file), "utf8");
        const lines = text.split("\n");
        const holders = lines.map(() => 0);
        for (const entry of source.entries) {
          const [first, last] = entry.lines;
          expect(lines.slice(first - 1, last).join("\n")).toBe(blockText(entry));
          for (let line = first; line <= last; line++)
            holders[line - 1] = (holders[line - 1] ?? 0) + 1;
        }
        const twice = lines.filter((_, index) => (holders[index] ?? 0) > 1);
        expect(twice).toEqual([]);
        const missing = codeLines(text).filter((line) => holders[line - 1] === 0);
        expect(missing.map((line) => `${line}: ${lines[line - 1]}`)).toEqual([]);
      },
    );

    test("runs every entry that needs nothing but what is built", () => {
      const idle = source.entries.filter(
        (entry) => stateOf(entry) === "pending" && missingOf(entry).length === 0,
      );
      expect(idle.map(blockText)).toEqual([]);
    });

    const runnable = source.entries.filter(
      (entry) => entry.run !== undefined && entry.needs.some((name) => capabilities[name].built),
    );
    let world: OpenWorld;
    beforeAll(async () => {
      const config = source.entries.find((entry) => blockText(entry).startsWith("[functions]"));
      const values = new Map([["data key", dataKey]]);
      world = await openWorld(config === undefined ? "" : typedText(config, values));
      world.values.set("data key", dataKey);
    });
    afterAll(() => world.close());

    for (const entry of runnable) {
      const title = blockText(entry).split("\n", 1)[0];
      const part = stateOf(entry) === "partly" ? " (as far as it is built)" : "";
      const isMissing =
        (postgres === undefined && entry.needs.includes("database")) ||
        (microvmMissing !== undefined && entry.needs.includes("microvm"));
      test.skipIf(isMissing)(
        `line ${entry.lines[0]}: ${title}${part}`,
        async () => {
          await entry.run?.(world, typedText(entry, world.values));
        },
        // A machine may have to be booted first, emulated.
        entry.needs.includes("microvm") ? 240_000 : undefined,
      );
    }
  });
}

test("every capability of the list is needed by some entry", () => {
  const needed = new Set<CapabilityName>(
    sourceTexts.flatMap(({ entries }) => entries.flatMap(({ needs }) => needs)),
  );
  expect(Object.keys(capabilities).filter((name) => !needed.has(name as CapabilityName))).toEqual(
    [],
  );
});
