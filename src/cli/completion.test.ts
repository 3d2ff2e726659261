import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commands } from "./commands.ts";
import { completionScript, type Shell, shells } from "./completion-script.ts";
import { runInTerminal } from "./run-in-terminal.ts";

const folder = mkdtempSync(join(tmpdir(), "rx-completion-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Where there are no files to offer. */
const cwd = join(folder, "empty");
mkdirSync(cwd);
const scripts = new Map<Shell, string>();
for (const shell of shells) {
  const file = join(folder, `reactor.${shell}`);
  writeFileSync(file, completionScript(commands, shell));
  scripts.set(shell, file);
}

/** What a real shell offers for the last word of a command line. */
const offers: Readonly<Record<Shell, (words: readonly string[]) => readonly string[]>> = {
  bash: (words) =>
    linesOf("bash", [
      "-c",
      `source "$1"; shift; COMP_WORDS=(reactor "$@"); COMP_CWORD=$#; _reactor; printf '%s\\n' "\${COMPREPLY[@]}"`,
      "bash",
      scripts.get("bash") ?? "",
      ...words,
    ]),
  // Its own completion runs at a prompt only: the words are taken where they would be handed to it.
  zsh: (words) =>
    linesOf("zsh", [
      "-f",
      "-c",
      `script=$1; shift; compdef() { :; }; _files() { :; }; compadd() { shift; printf '%s\\n' "\${(@P)1}"; }; source $script; words=(reactor "$@"); CURRENT=$#words; _reactor`,
      "zsh",
      scripts.get("zsh") ?? "",
      ...words,
    ]).filter((word) => word.startsWith(words.at(-1) ?? "")),
  fish: (words) =>
    linesOf("fish", [
      "--no-config",
      "-c",
      `source ${scripts.get("fish")}; complete -C 'reactor ${words.join(" ")}'`,
    ]).map((line) => line.split("\t")[0] ?? ""),
};

function linesOf(program: string, args: readonly string[]): readonly string[] {
  const { stdout, stderr, exitCode } = Bun.spawnSync([program, ...args], {
    cwd,
    env: { PATH: process.env["PATH"], HOME: folder, TERM: "dumb" },
  });
  if (exitCode !== 0) throw new Error(`${program}: ${stderr.toString()}`);
  return stdout.toString().split("\n").filter(Boolean).sort();
}

for (const shell of shells) {
  const isHere = Bun.which(shell) !== null;
  const name = `${shell} completes commands, options and the values that an option allows`;
  test.skipIf(!isHere)(isHere ? name : `${name} (needs ${shell})`, () => {
    const complete = offers[shell];
    expect(complete(["functions", "en"])).toEqual(["enable", "env"]);
    expect(complete(["functions", "env", ""])).toEqual(["list", "set", "unset"]);
    expect(complete(["functions", "deploy", "hello", "--pro"])).toEqual(["--project", "--promote"]);
    // What stands between the words of a command and the one that is typed does not matter.
    expect(complete(["functions", "create", "hello", "--runtime", "py"])).toEqual(["python"]);
    expect(complete(["completion", "f"])).toEqual(["fish"]);
    expect(complete(["help", "func"])).toEqual(["functions"]);
    expect(complete(["no", "such", "--zzz"])).toEqual([]);
  });
}

test("every word of the scripts is one to every shell", () => {
  for (const shell of shells) {
    const script = completionScript(commands, shell);
    for (const [, words = ""] of script.matchAll(/printf '%s\\n' ([^;\n]*)/g)) {
      for (const word of words.trim().split(" ")) expect(word).toMatch(/^[\w.:/-]+$/);
    }
  }
});

test("the command prints the script, takes no other shell and speaks to no server", async () => {
  const { code, stdout } = await runInTerminal(["completion", "bash"]);
  expect(code).toBe(0);
  expect(stdout).toBe(completionScript(commands, "bash"));
  const json = await runInTerminal(["completion", "fish", "--json"]);
  expect(JSON.parse(json.stdout)).toEqual({ shell: "fish", script: expect.any(String) });
  const other = await runInTerminal(["completion", "tcsh"]);
  expect(other.code).toBe(2);
  expect(other.stderr).toContain("Allowed choices are bash, zsh, fish");
});
