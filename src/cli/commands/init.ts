import { access, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { checkFunctionName } from "../check-function-name.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import { CommandFailure } from "../command-failure.ts";
import {
  type TemplateName,
  templateNames,
  templates,
  writeTemplate,
} from "../project-templates.ts";

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

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** Writes a whole project. */
async function initProject(
  { output, cwd }: CommandContext,
  template: TemplateName,
  name: string | undefined,
): Promise<void> {
  const folder = path.resolve(cwd, name ?? ".");
  if (await exists(path.join(folder, "functions"))) {
    throw new CommandFailure(`Cannot write a new project: ${folder} holds one already`, {
      next: "reactor new NAME    (or name another folder)",
    });
  }
  const files = await writeTemplate(template, folder);
  output.result({ template, folder, files }, () =>
    files.map((file) => `Wrote ${path.relative(cwd, file)}`).join("\n"),
  );
  const go = folder === cwd ? [] : [`cd ${path.relative(cwd, folder)}`];
  output.note(
    ["Next:", ...[...go, ...templates[template].next].map((line) => `  ${line}`)].join("\n"),
  );
}

export const init = defineCommand({
  name: "init",
  summary: "Write a small function, or a whole project, to start from",
  description:
    "Writes functions/<name>/reactor.json and functions/<name>/code/index.ts below the current " +
    "folder. Refuses when functions/<name> is there already. With --template it writes a project: " +
    `${templateNames.map((name) => `${name} (${templates[name].summary})`).join(", ")}.`,
  local: true,
  arguments: {
    name: {
      summary: "Name of the function (hello); with --template the project's folder (.)",
      optional: true,
    },
  },
  options: {
    template: { value: "name", summary: "Write this project", choices: templateNames },
  },
  examples: [
    { command: "reactor init", summary: "Write functions/hello" },
    { command: "reactor init greeter", summary: "Write functions/greeter" },
    { command: "reactor init --template webhook my-project", summary: "Write a project" },
  ],
  errors: [],
  async run(context, args, options) {
    const { output, cwd } = context;
    const template = templateNames.find((known) => known === options.template);
    if (template !== undefined) {
      await initProject(context, template, args.name);
      return undefined;
    }
    const name = args.name ?? "hello";
    checkFunctionName(name);
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
