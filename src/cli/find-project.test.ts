import { afterEach, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findProject } from "./find-project.ts";

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "reactor-project-"));
  folders.push(folder);
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
  return folder;
}

const project = {
  "functions/b_folder/index.ts": "",
  "functions/b_folder/flux.json": '{"name":"create_todo"}',
  "functions/a/code/index.py": "",
  "functions/broken/reactor.json": "{",
  "functions/shared/text.ts": "",
  "functions/.cache/index.ts": "",
  "functions/notes.md": "",
  "schema/002_b.sql": "",
  "schema/001_a.sql": "",
  "schema/readme.md": "",
};

describe("findProject()", () => {
  test("finds every function of a project by its manifest's name or its folder's", async () => {
    const root = await folderWith(project);
    const { functions, others, migrations, root: found } = findProject(root);
    expect(found).toBe(root);
    expect(functions).toEqual([
      { name: "a", folder: join(root, "functions/a"), ofProject: true },
      { name: "broken", folder: join(root, "functions/broken"), ofProject: true },
      { name: "create_todo", folder: join(root, "functions/b_folder"), ofProject: true },
    ]);
    expect(others).toEqual(["shared"]);
    expect(migrations).toEqual(["001_a.sql", "002_b.sql"]);
  });

  test("finds the one function whose folder it is in, however deep", async () => {
    const root = await folderWith(project);
    for (const at of ["functions/b_folder", "functions/a", "functions/a/code"]) {
      const { functions, root: found } = findProject(join(root, at));
      expect(found).toBe(root);
      expect(functions.map(({ folder }) => join(root, at).startsWith(folder))).toEqual([true]);
    }
  });

  test("takes a folder outside of a project as a function by itself", async () => {
    const root = await folderWith({ "flux.json": '{"name":"alone"}', "index.ts": "" });
    const alone = { name: "alone", folder: root, ofProject: false };
    expect(findProject(root)).toMatchObject({ root: undefined, functions: [alone] });
  });

  test("takes a project as one although it lies below a folder called functions", async () => {
    const root = await folderWith({ "functions/mine/functions/a/index.ts": "" });
    const { functions } = findProject(join(root, "functions/mine"));
    expect(functions.map(({ name }) => name)).toEqual(["a"]);
  });

  test("refuses two folders with one function, and a folder with none", async () => {
    const twice = await folderWith({
      "functions/a/index.ts": "",
      "functions/b/reactor.json": '{"name":"a"}',
    });
    expect(() => findProject(twice)).toThrow(
      'named "a": functions/a and functions/b; give one of them another name',
    );
    const none = await folderWith({ "x.txt": "" });
    expect(() => findProject(none)).toThrow('no folder "functions"');
  });
});
