import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { commandReference } from "./cli-reference.ts";
import { flagOf } from "./command.ts";
import { commandGroups } from "./command-groups.ts";
import { commands } from "./commands.ts";

const page = await readFile(
  path.resolve(import.meta.dirname, "../../docs/reference/cli.md"),
  "utf8",
);

test("docs/reference/cli.md holds every command as the table has it; npm run generate writes it", () => {
  const stale = commands.filter((command) => !page.includes(commandReference(command)));
  expect(stale.map((command) => command.name)).toEqual([]);
});

test("docs/reference/cli.md names every option of every command", () => {
  for (const command of commands) {
    const section = commandReference(command);
    for (const key of Object.keys(command.options)) expect(section).toContain(flagOf(key));
  }
});

test("no two commands have the same name, and each says what it does in one line", () => {
  expect(new Set(commands.map((command) => command.name)).size).toBe(commands.length);
  for (const { summary } of commands) expect(summary).toMatch(/^[A-Z][^\n]{5,70}[^.\n]$/);
});

test("every word that only groups commands says what they are about", () => {
  const names = new Set(commands.map(({ name }) => name));
  const groups = [...names]
    .flatMap((name) => name.split(" ").map((_, at, words) => words.slice(0, at).join(" ")))
    .filter((group) => group !== "" && !names.has(group));
  expect(groups).not.toEqual([]);
  expect(groups.filter((group) => commandGroups[group] === undefined)).toEqual([]);
});
