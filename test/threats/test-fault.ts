import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../e2e/reactor.ts";
import { shownTest } from "./shown-test.ts";

/** Why a test that a table names is none; undefined when it is there. */
export function testFault(text: string, namedIn?: string): string | undefined {
  const { path, name } = shownTest(text);
  if (!existsSync(join(root, path))) return `no file ${path}`;
  const within = namedIn ?? path;
  const isThere = name !== "" && readFileSync(join(root, within), "utf8").includes(name);
  return isThere ? undefined : `no test ${JSON.stringify(name)} in ${within}`;
}
