import { mkdir, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { checkFunctionName } from "../check-function-name.ts";
import { defineCommand } from "../command.ts";
import { CommandFailure } from "../command-failure.ts";

const inTypeScript = `import { defineFunction } from "@reactor/functions";

export default defineFunction({
  handler: async ({ input, ctx }) => {
    ctx.log("invoked with", input);
    return { message: \`Hello, \${input.name ?? "World"}!\` };
  },
});
`;

const inPython = `def handler(event, context):
    context.log("invoked with", event)
    return {"message": f"Hello, {event.get('name', 'World')}!"}
`;

const entries = {
  bun: { file: "index.ts", code: inTypeScript },
  node: { file: "index.ts", code: inTypeScript },
  deno: { file: "index.ts", code: inTypeScript },
  python: { file: "index.py", code: inPython },
} as const;
type NewRuntime = keyof typeof entries;

/** The nearest folder above, or this one, that has a folder `functions`; else this one. */
async function projectRoot(cwd: string): Promise<string> {
  for (let at = cwd; ; at = path.dirname(at)) {
    const found = await stat(path.join(at, "functions")).catch(() => undefined);
    if (found?.isDirectory()) return at;
    if (path.dirname(at) === at) return cwd;
  }
}

export const newFunction = defineCommand({
  name: "new",
  summary: "Write a new function into a project",
  description:
    "Writes functions/<name>/ with a config and a handler, in the project that the current folder " +
    "belongs to. Refuses when functions/<name> is there already.",
  local: true,
  arguments: { name: { summary: "Name of the function" } },
  options: {
    runtime: {
      value: "runtime",
      summary: "What runs it",
      choices: Object.keys(entries),
      default: "bun",
    },
  },
  examples: [
    { command: "reactor new create_todo", summary: "Write functions/create_todo" },
    { command: "reactor new report --runtime python", summary: "A function in Python" },
  ],
  errors: [],
  async run({ output, cwd }, { name }, { runtime }) {
    checkFunctionName(name);
    const folder = path.join(await projectRoot(cwd), "functions", name);
    const here = await stat(folder).catch(() => undefined);
    if (here !== undefined) {
      throw new CommandFailure(`Cannot write a new function: ${folder} is there already`, {
        next: `cd ${path.relative(cwd, folder) || "."} && reactor deploy    (or choose another name)`,
      });
    }
    const { file, code } = entries[runtime as NewRuntime];
    const manifest = { name, runtime, route: `/${name}`, method: "POST" };
    const files = ["reactor.json", file].map((entry) => path.join(folder, entry));
    await mkdir(folder, { recursive: true });
    await writeFile(
      path.join(folder, "reactor.json"),
      `${JSON.stringify(manifest, undefined, 2)}\n`,
      { flag: "wx" },
    );
    await writeFile(path.join(folder, file), code, { flag: "wx" });
    output.result({ name, files }, () =>
      files.map((written) => `Wrote ${path.relative(cwd, written)}`).join("\n"),
    );
    output.note(
      `Next:\n  reactor deploy --only ${name}\n  reactor invoke ${name} --payload '{"name":"Reactor"}'`,
    );
    return undefined;
  },
});
