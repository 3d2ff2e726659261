import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { codeFrame } from "./code-frame.ts";

let home: string;
let folder: string;

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), "reactor-frame-"));
  folder = path.join(home, "a");
  await mkdir(folder);
});
afterEach(() => rm(home, { recursive: true }));

test("the first place in a file of the folder is shown, whichever language names it", async () => {
  await writeFile(path.join(folder, "b.ts"), "one\ntwo\n");
  await writeFile(path.join(folder, "main.py"), "def f():\n    raise E\n");
  const stack = "Error: x\n    at f (/runtime/guest.js:1:1)\n    at g (b.ts:2:3)";
  expect(await codeFrame(stack, folder)).toBe("    b.ts:2:3\n    2 | two\n          ^");
  const trace = 'Traceback\n  File "main.py", line 2, in f\nE';
  expect(await codeFrame(trace, folder)).toBe("    main.py:2\n    2 |     raise E");
});

test("a stack that a function made up shows no file outside its folder, and no line that is not there", async () => {
  await writeFile(path.join(home, "secret.ts"), "secret\n");
  await writeFile(path.join(folder, "b.ts"), "one\n");
  const named = [path.join(home, "secret.ts"), "../secret.ts", "x/../../secret.ts"];
  for (const file of [...named, "b.ts:9", "gone.ts"]) {
    expect(await codeFrame(`at f (${file}:1:1)`, folder)).toBeUndefined();
  }
  expect(await codeFrame(`File "../secret.ts.py", line 1`, folder)).toBeUndefined();
});
