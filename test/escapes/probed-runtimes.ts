import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { root } from "../e2e/reactor.ts";

/** One kind of function that probes are run as. */
export interface ProbedRuntime {
  /** What tests call it. */
  readonly title: string;
  /** A function's name. */
  readonly name: string;
  readonly runtime: "bun" | "node" | "deno" | "python";
  readonly isolation: "process" | "worker";
  readonly language: "javascript" | "python";
  /** The binary that functions of this kind run on; undefined when this machine has none. */
  readonly binary: string | undefined;
  /** Settings of the server without which it takes another binary. */
  readonly env: Readonly<Record<string, string>>;
}

function firstOf(...paths: readonly (string | null)[]): string | undefined {
  return paths.find((path): path is string => path !== null && existsSync(path));
}

const packages = join(root, "node_modules");
const newestNode = firstOf(join(packages, `node-${process.platform}-${process.arch}/bin/node`));
const systemNode = firstOf("/usr/local/bin/node", "/usr/bin/node");
const node = systemNode ?? firstOf(Bun.which("node")) ?? newestNode;
const isNewest =
  node !== undefined && newestNode !== undefined && realpathSync(node) === realpathSync(newestNode);
const deno = firstOf(join(packages, "deno/deno"), Bun.which("deno"));
const javascript = { language: "javascript", isolation: "process", env: {} } as const;

const kinds: readonly ProbedRuntime[] = [
  { ...javascript, title: "Bun", name: "bun", runtime: "bun", binary: process.execPath },
  { ...javascript, title: "Node", name: "node", runtime: "node", binary: node },
  {
    ...javascript,
    title: "the newest Node",
    name: "newest-node",
    runtime: "node",
    binary: isNewest ? undefined : newestNode,
    env: { REACTOR_FUNCTIONS_NODE_PATH: newestNode ?? "" },
  },
  { ...javascript, title: "Deno", name: "deno", runtime: "deno", binary: deno },
  {
    ...javascript,
    title: "a Deno worker",
    name: "deno-worker",
    runtime: "deno",
    isolation: "worker",
    binary: deno,
  },
  {
    title: "Python",
    name: "python",
    runtime: "python",
    isolation: "process",
    language: "python",
    binary: firstOf("/usr/bin/python3", Bun.which("python3")),
    env: {},
  },
];

/** Every kind that there is; the title of one that this machine lacks says so. */
export const probedRuntimes = kinds.map((kind) =>
  kind.binary === undefined ? { ...kind, title: `${kind.title} (needs its binary)` } : kind,
);

/** The files of a function's folder. */
export function functionFiles(path: string): Map<string, Uint8Array> {
  const names = readdirSync(path).filter((name) => /\.(?:ts|py)$/.test(name));
  return new Map(names.map((name) => [name, readFileSync(join(path, name))]));
}
