import { access, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseFunctionName } from "../../domain/names.ts";
import { ReactorError } from "../../domain/errors.ts";
import { defineCommand } from "../command.ts";
import { CommandFailure } from "../command-failure.ts";
import { UsageError } from "../usage-error.ts";

const code = `export default {
  async fetch(request: Request): Promise<Response> {
    const { name = "World" } = await request.json().catch(() => ({}));
    return Response.json({ message: \`Hello, \${name}!\` });
  },
};
`;

function manifestOf(name: string): string {
  const manifest = { name, runtime: "bun", entrypoint: "code/index.ts" };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

function checkName(name: string): void {
  try {
    parseFunctionName(name);
  } catch (error) {
    if (error instanceof ReactorError) throw new UsageError(error.message);
    throw error;
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

export const init = defineCommand({
  name: "init",
  summary: "Write a small function to start from",
  description:
    "Writes functions/<name>/reactor.json and functions/<name>/code/index.ts below the current " +
    "folder. Refuses when functions/<name> is there already.",
  local: true,
  arguments: { name: { summary: "Name of the function (hello)", optional: true } },
  options: {},
  examples: [
    { command: "reactor init", summary: "Write functions/hello" },
    { command: "reactor init greeter", summary: "Write functions/greeter" },
  ],
  errors: [],
  async run({ output, cwd }, args) {
    const name = args.name ?? "hello";
    checkName(name);
    const folder = path.join(cwd, "functions", name);
    if (await exists(folder)) {
      throw new CommandFailure(`Cannot write a new function: ${folder} is there already`, {
        next: `reactor functions deploy ${name} --dir ./functions/${name}    (or choose another name)`,
      });
    }
    const files = ["reactor.json", "code/index.ts"].map((file) => path.join(folder, file));
    await mkdir(path.join(folder, "code"), { recursive: true });
    await writeFile(path.join(folder, "reactor.json"), manifestOf(name), { flag: "wx" });
    await writeFile(path.join(folder, "code", "index.ts"), code, { flag: "wx" });
    output.result({ name, files }, () =>
      files.map((file) => `Wrote ${path.relative(cwd, file)}`).join("\n"),
    );
    output.note(
      [
        "Next:",
        `  reactor functions create ${name} --runtime bun`,
        `  reactor functions deploy ${name} --dir ./functions/${name}`,
        `  reactor functions promote ${name}`,
        `  reactor functions invoke ${name} --json '{"name":"Reactor"}'`,
      ].join("\n"),
    );
    return undefined;
  },
});
