import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root } from "../e2e/reactor.ts";
import type { ShownTest } from "./shown-test.ts";

/** How a run of one test ended. */
export interface TestRun {
  readonly passed: number;
  readonly failed: number;
  readonly error: string | undefined;
}

/** Far above what the slowest test of the table takes before it fails. */
const runMsMax = 120_000;

/** A copy of the sources in which defences are taken out and put back. */
export class ScratchTree implements AsyncDisposable {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(): Promise<ScratchTree> {
    const folder = await mkdtemp(join(tmpdir(), "rt-"));
    // Instances run as users of their own and reach the guest and the runtime through it.
    await chmod(folder, 0o755);
    const listed = Bun.spawnSync(["git", "ls-files", "-z", "-co", "--exclude-standard"], {
      cwd: root,
    });
    for (const path of listed.stdout.toString().split("\0")) {
      if (path === "") continue;
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await cp(join(root, path), join(folder, path), { verbatimSymlinks: true });
    }
    await mkdir(join(folder, "t"));
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    return new ScratchTree(folder);
  }

  /** Runs `work` while the one occurrence of `text` is replaced. */
  async without(
    change: { readonly file: string; readonly text: string; readonly replacement: string },
    work: () => Promise<TestRun>,
  ): Promise<TestRun> {
    const path = join(this.#folder, change.file);
    const source = await readFile(path, "utf8");
    if (source.split(change.text).length !== 2) {
      throw new Error(`The text to take out is not there exactly once in ${change.file}`);
    }
    await writeFile(
      path,
      source.replace(change.text, () => change.replacement),
    );
    try {
      return await work();
    } finally {
      await writeFile(path, source);
    }
  }

  /**
   * Runs the tests of that name until the first fails. What such a run leaves behind (servers, folders)
   * is in a process group and a temporary folder of its own, and goes with them.
   */
  async run({ path, pattern }: ShownTest): Promise<TestRun> {
    const temporary = join(this.#folder, "t");
    const child = Bun.spawn(
      ["bin/reactor-bun", "test", "--bail", "--timeout", "60000", `./${path}`, "-t", pattern],
      {
        cwd: this.#folder,
        env: { ...process.env, TMPDIR: temporary },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
        detached: true,
      },
    );
    const output = Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    const timer = setTimeout(() => killGroup(child.pid), runMsMax);
    await child.exited;
    clearTimeout(timer);
    killGroup(child.pid);
    const text = Bun.stripANSI((await output).join("\n"));
    for (const left of await readdir(temporary)) {
      await rm(join(temporary, left), { recursive: true, force: true });
    }
    return {
      passed: text.match(/^\(pass\) /gm)?.length ?? 0,
      // A hook that fails has no name: then nothing was tried.
      failed: text.match(/^\(fail\) (?!.*\(unnamed\))/gm)?.length ?? 0,
      error: firstError(text)?.slice(0, 300),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch (error) {
    // Nobody is left in it.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function firstError(text: string): string | undefined {
  const thrown = /^(?:error|\w*Error): .*(?:\n\n?(?:Expected|Received).*)*/m.exec(text)?.[0];
  return thrown ?? /this test timed out after \d+ms/.exec(text)?.[0];
}
