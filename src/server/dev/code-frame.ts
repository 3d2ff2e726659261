import { readFile } from "node:fs/promises";
import path from "node:path";
import { stripControls } from "../../cli/strip-controls.ts";

/** A place in a function's own file, as stacks of JavaScript (`at f (lib/a.ts:4:13)`) and Python name it. */
const places = [
  /(?:^|[\s(])(?<file>[\w@.-][\w@./-]{0,500}\.(?:[cm]?[jt]sx?)):(?<line>\d{1,7}):(?<column>\d{1,7})/g,
  /File "(?<file>[^"\n]{1,500}\.py)", line (?<line>\d{1,7})/g,
];

/**
 * The first place that a stack names in a file of the folder, with its line of source as the file is
 * now; undefined when there is none.
 */
export async function codeFrame(stack: string, folder: string): Promise<string | undefined> {
  for (const match of places.flatMap((pattern) => [...stack.matchAll(pattern)])) {
    const { file = "", line = "", column } = match.groups ?? {};
    const full = path.resolve(folder, file);
    // A function writes its own stacks; it gets no other file of this machine shown.
    if (!full.startsWith(folder + path.sep)) continue;
    const text = await readFile(full, "utf8").catch(() => undefined);
    const source = text?.split("\n")[Number(line) - 1];
    if (source === undefined) continue;
    const shown = stripControls(source.replaceAll("\t", " ").slice(0, 300));
    const place = `${file}:${line}${column === undefined ? "" : `:${column}`}`;
    const gutter = `${line} | `;
    const mark =
      column === undefined || Number(column) > shown.length
        ? ""
        : `\n    ${" ".repeat(gutter.length + Number(column) - 1)}^`;
    return `    ${place}\n    ${gutter}${shown}${mark}`;
  }
  return undefined;
}
