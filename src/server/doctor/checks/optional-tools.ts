import type { Finding } from "../finding.ts";
import type { Machine } from "../machine.ts";

const timeoutMs = 5000;

interface Tool {
  readonly name: string;
  readonly commands: readonly string[];
  /** What is possible with it, and what is not without it. */
  readonly enables: string;
  readonly remedy: string;
}

const tools: readonly Tool[] = [
  {
    name: "qemu",
    commands: ["qemu-system-x86_64"],
    enables: "microVM isolation",
    remedy: "apt-get install qemu-system-x86",
  },
];

async function checkTool(machine: Machine, tool: Tool): Promise<Finding> {
  const { name, enables, remedy } = tool;
  for (const command of tool.commands) {
    const file = await machine.find(command);
    if (file === undefined) continue;
    const result = await machine.run(file, ["--version"], { timeoutMs });
    const version = result.stdout.split("\n")[0]?.trim() ?? "";
    if (result.code === 0) {
      return { name, state: "ok", found: `${version} at ${file}`, means: `enough for ${enables}` };
    }
    const reason = result.failure ?? `exit code ${result.code}`;
    return {
      name,
      state: "missing",
      found: `${file} does not work: ${reason}`,
      means: `needed for ${enables}`,
      remedy,
    };
  }
  return { name, state: "missing", found: "not found", means: `needed for ${enables}`, remedy };
}

/** Programs that only some runtimes or features need. */
export async function checkOptionalTools(machine: Machine): Promise<readonly Finding[]> {
  return Promise.all(tools.map((tool) => checkTool(machine, tool)));
}
