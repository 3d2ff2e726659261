import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { scenarios } from "../../soak/scenarios.ts";
import { root } from "../e2e/reactor.ts";
import { testFault } from "../threats/test-fault.ts";
import { faults } from "./faults.ts";

test("every fault has a test or a script, and each of them exists", () => {
  const wrong = faults.flatMap(({ fault, tests, script }) => {
    if (tests.length === 0 && script === undefined) return [`${fault}: nothing shows it`];
    const [, npmScript = "", scenario = ""] =
      /^npm run (\w+) -- --only (\w+)$/.exec(script ?? "") ?? [];
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(
      readFileSync(join(root, "package.json"), "utf8"),
    );
    const isKnown = npmScript in scripts && scenario in scenarios;
    return [
      ...(script === undefined || isKnown ? [] : [`${fault}: there is no ${script}`]),
      ...tests.flatMap((text) => testFault(text) ?? []),
    ];
  });
  expect(wrong).toEqual([]);
});
