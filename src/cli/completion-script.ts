import { type Command, flagOf, type OptionSpec } from "./command.ts";
import { commonOptions } from "./common-options.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** What may follow the words of a command line. */
interface Followers {
  /** By the command's words so far, each with a space before it: what may come next. */
  readonly words: ReadonlyMap<string, readonly string[]>;
  /** By those and an option that takes a value: its choices; none for a file or anything else. */
  readonly values: ReadonlyMap<string, readonly string[]>;
}

function followersOf(commands: readonly Command[]): Followers {
  const words = new Map<string, readonly string[]>();
  const values = new Map<string, readonly string[]>();
  const add = (path: string, next: readonly string[]): void => {
    words.set(path, [...new Set([...(words.get(path) ?? []), ...next])]);
  };
  add("", ["help"]);
  for (const command of commands) {
    let path = "";
    for (const word of command.name.split(" ")) {
      add(path, [word]);
      path = `${path} ${word}`;
    }
    const options = { ...command.options, ...commonOptions(command) };
    const [first] = Object.values(command.arguments);
    add(path, [...(first?.choices ?? []), ...Object.keys(options).map(flagOf), "--help"]);
    for (const [key, option] of Object.entries(options)) {
      if (option.value === undefined) continue;
      for (const flag of flagsOf(key, option)) values.set(`${path} ${flag}`, option.choices ?? []);
    }
  }
  return { words, values };
}

function flagsOf(key: string, { short }: OptionSpec): readonly string[] {
  return short === undefined ? [flagOf(key)] : [flagOf(key), `-${short}`];
}

/** A function of the shell that prints what may follow, one a line; the same in bash and in zsh. */
function posixFunctions({ words, values }: Followers): string {
  const known = [...words.keys()].filter((path) => path !== "").map((path) => `'${path}'`);
  const shown = (next: readonly string[]): string =>
    next.length === 0 ? ":" : `printf '%s\\n' ${next.join(" ")}`;
  return [
    "_reactor_knows() {",
    '  case "$1" in',
    `    ${known.join("|")}) return 0 ;;`,
    "  esac",
    "  return 1",
    "}",
    "_reactor_next() {",
    '  case "$1 $2" in',
    ...[...values].map(([path, next]) => `    '${path}') ${shown(next)}; return ;;`),
    "  esac",
    '  case "$1" in',
    ...[...words].map(([path, next]) => `    '${path}') ${shown(next)} ;;`),
    "  esac",
    "}",
  ].join("\n");
}

const bashEnd = `_reactor() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}" path='' at
  for ((at = 1; at < COMP_CWORD; at++)); do
    if _reactor_knows "$path \${COMP_WORDS[at]}"; then path="$path \${COMP_WORDS[at]}"; fi
  done
  COMPREPLY=($(compgen -W "$(_reactor_next "$path" "$before")" -- "$word"))
}
complete -o default -F _reactor reactor`;

const zshEnd = `_reactor() {
  local at known=''
  for ((at = 2; at < CURRENT; at++)); do
    if _reactor_knows "$known \${words[at]}"; then known="$known \${words[at]}"; fi
  done
  local next=(\${(f)"$(_reactor_next "$known" "\${words[CURRENT - 1]}")"})
  if ((\${#next})); then compadd -a next; fi
  _files
}
compdef _reactor reactor`;

function fishFunctions({ words, values }: Followers): string {
  const shown = (next: readonly string[]): string =>
    next.length === 0 ? "true" : `printf '%s\\n' ${next.join(" ")}`;
  const cases = (of: ReadonlyMap<string, readonly string[]>, end = ""): readonly string[] =>
    [...of].map(([path, next]) => `        case '${path}'; ${shown(next)}${end}`);
  return [
    "function __reactor_next",
    "    set -l path ''",
    "    set -l before ''",
    "    for word in (commandline -opc)[2..-1]",
    "        set before $word",
    '        switch "$path $word"',
    `            case ${[...words.keys()]
      .filter((path) => path !== "")
      .map((path) => `'${path}'`)
      .join(" ")}`,
    '                set path "$path $word"',
    "        end",
    "    end",
    '    switch "$path $before"',
    ...cases(values, "; return"),
    "    end",
    '    switch "$path"',
    ...cases(words),
    "    end",
    "end",
    "complete -c reactor -a '(__reactor_next)'",
  ].join("\n");
}

/** The script that has a shell complete the words of these commands. */
export function completionScript(commands: readonly Command[], shell: Shell): string {
  const followers = followersOf(commands);
  switch (shell) {
    case "bash":
      return `${posixFunctions(followers)}\n${bashEnd}\n`;
    case "zsh":
      return `#compdef reactor\n${posixFunctions(followers)}\n${zshEnd}\n`;
    case "fish":
      return `${fishFunctions(followers)}\n`;
  }
}
