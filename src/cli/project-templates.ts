import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

const templatesFolder = fileURLToPath(new URL("../../templates", import.meta.url));

interface Template {
  readonly summary: string;
  /** What to type after it was written. */
  readonly next: readonly string[];
}

/** Projects to start from; each has a folder of its name in `templates`, over the files of `empty`. */
export const templates = {
  "todo-api": {
    summary: "functions over a table in the database",
    next: ["reactor deploy", `reactor invoke create_todo --payload '{"title":"test"}'`],
  },
  webhook: {
    summary: "takes signed events",
    next: ["reactor secrets set WEBHOOK_SECRET", "reactor deploy"],
  },
  "ai-stream": {
    summary: "passes on a model's words as they come",
    next: [
      "reactor secrets set OPENAI_API_KEY",
      "reactor deploy",
      `reactor invoke chat --payload '{"prompt":"Hello"}'`,
    ],
  },
  python: {
    summary: "a function in Python",
    next: ["reactor deploy", `reactor invoke greet --payload '{"name":"Reactor"}'`],
  },
  empty: { summary: "no function yet", next: ["reactor new hello", "reactor deploy"] },
} as const satisfies Readonly<Record<string, Template>>;

export type TemplateName = keyof typeof templates;
export const templateNames = Object.keys(templates) as readonly TemplateName[];

/** Writes the files of a template below the folder; none that is there already is changed. Returns their paths. */
export async function writeTemplate(
  name: TemplateName,
  folder: string,
): Promise<readonly string[]> {
  const files = new Map<string, Uint8Array>();
  for (const layer of ["empty", name]) {
    const from = path.join(templatesFolder, layer);
    const entries = await readdir(from, { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((found) => found.isFile())) {
      const file = path.join(entry.parentPath, entry.name);
      files.set(path.relative(from, file), await readFile(file));
    }
  }
  await mkdir(path.join(folder, "functions"), { recursive: true });
  const written: string[] = [];
  for (const [file, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const target = path.join(folder, file);
    await mkdir(path.dirname(target), { recursive: true });
    if (await writeNew(target, content)) written.push(target);
  }
  return written;
}

/** Whether the file was written; one that is there stays as it is. */
async function writeNew(file: string, content: Uint8Array): Promise<boolean> {
  try {
    await writeFile(file, content, { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}
