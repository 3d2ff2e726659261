import { defineCommand } from "../command.ts";
import { completionScript, type Shell, shells } from "../completion-script.ts";

export const completion = defineCommand({
  name: "completion",
  summary: "Print what has a shell complete the words of reactor",
  description:
    "Completes commands, options and the values that an option allows; names of functions are not looked up. A new shell has it when its start file evaluates the script.",
  local: true,
  arguments: { shell: { summary: "The shell", choices: shells } },
  options: {},
  examples: [
    {
      command: 'eval "$(reactor completion bash)"',
      summary: "For this bash; in ~/.bashrc for every one",
    },
    {
      command: 'eval "$(reactor completion zsh)"',
      summary: "For this zsh, after compinit; in ~/.zshrc for every one",
    },
    {
      command: "reactor completion fish > ~/.config/fish/completions/reactor.fish",
      summary: "For every fish",
    },
  ],
  errors: [],
  run({ output, commands }, args) {
    const script = completionScript(commands, args.shell as Shell);
    output.result({ shell: args.shell, script }, () => script.trimEnd());
    return Promise.resolve(undefined);
  },
});
