import { afterAll, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { unzipSync } from "fflate";
import { fakeDeployment } from "../../fake-resources.ts";
import { createFakeServer, errorResponse, type FakeServer } from "../../fake-server.ts";
import { runInTerminal } from "../../run-in-terminal.ts";

const root = await mkdtemp(path.join(tmpdir(), "reactor-deploy-"));
afterAll(() => rm(root, { recursive: true, force: true }));
let folders = 0;

async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = path.join(root, String(folders++));
  await mkdir(folder);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
  return folder;
}

function server(answer: () => Response = () => Response.json(fakeDeployment())): FakeServer {
  return createFakeServer({ "POST /api/v1/functions/hello/deployments": answer });
}

function uploaded(target: FakeServer): string[] {
  return Object.keys(unzipSync(target.requests[0]?.body ?? new Uint8Array())).sort();
}

describe("reactor functions deploy", () => {
  test("uploads the folder's files and names the next command", async () => {
    const folder = await folderOf({ "reactor.json": "{}", "code/index.ts": "export default 1" });
    const target = server();
    const argv = ["functions", "deploy", "hello", "--dir", "./functions/hello"];
    await mkdir(path.join(folder, "functions"));
    await mkdir(path.join(folder, "functions/hello/code"), { recursive: true });
    await writeFile(path.join(folder, "functions/hello/code/index.ts"), "export default 2");
    const { code, stdout, stderr } = await runInTerminal(argv, { server: target, cwd: folder });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "Deployed hello@1 (dep_1): ready\n" });
    expect(stderr).toBe("Next: reactor functions promote hello\n");
    expect(uploaded(target)).toEqual(["code/index.ts"]);
  });

  test("Ctrl-C says where to look whether the server finished it", async () => {
    const folder = await folderOf({ "index.ts": "1" });
    const interrupt = new AbortController();
    const hanging: FakeServer = {
      requests: [],
      fetch: (request) =>
        new Promise((_, reject) => {
          request.signal.addEventListener("abort", () => reject(new Error("aborted")));
          interrupt.abort(new Error("SIGINT"));
        }),
    };
    const argv = ["functions", "deploy", "hello", "--dir", folder];
    const run = await runInTerminal(argv, { server: hanging, signal: interrupt.signal });
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toBe(
      "The server may have all of it, and finish the deployment: reactor functions deployments list hello\nInterrupted\n",
    );
  });

  test("a bundle that is refused says which folder it was, when none was named", async () => {
    const folder = await folderOf({ "README.md": "1" });
    const target = server(() => errorResponse(400, "bundle_invalid", "Cannot find an entry point"));
    const note = `Deployed was ${folder}, the folder you are in; --dir names another`;
    const argv = ["functions", "deploy", "hello"];
    const here = await runInTerminal(argv, { server: target, cwd: folder });
    expect(here.stderr).toContain(`${note}\nerror: Cannot find an entry point`);
    const named = await runInTerminal([...argv, "--dir", folder], { server: target });
    expect(named.stderr).toStartWith("error: Cannot find an entry point");
  });

  test("leaves out .git, .reactor, npm's links and what .reactorignore lists, and keeps node_modules", async () => {
    const folder = await folderOf({
      "index.ts": "1",
      ".git/config": "1",
      "sub/.git/config": "1",
      ".reactor/admin.key": "1",
      "node_modules/left-pad/index.js": "1",
      "notes.md": "1",
      "docs/a.md": "1",
      "build/out.js": "1",
      "src/build/kept.ts": "1",
      "tmp/a/b.log": "1",
      ".reactorignore": "# comment\n*.md\n/build\ntmp/**/*.log\n\n",
    });
    await mkdir(path.join(folder, "node_modules/.bin"));
    await symlink("../left-pad/index.js", path.join(folder, "node_modules/.bin/left-pad"));
    const target = server();
    const { code } = await runInTerminal(["functions", "deploy", "hello"], {
      server: target,
      cwd: folder,
    });
    expect(code).toBe(0);
    expect(uploaded(target)).toEqual([
      "index.ts",
      "node_modules/left-pad/index.js",
      "src/build/kept.ts",
    ]);
  });

  test.each([
    ["a link to a file", "link.ts", "/etc/passwd"],
    ["a link to a folder", "lib", "/etc"],
    ["a link that leads nowhere", "lost", "nowhere"],
  ])("refuses %s and uploads nothing", async (_, name, to) => {
    const folder = await folderOf({ "index.ts": "1" });
    await symlink(to, path.join(folder, name));
    const target = server();
    const { code, stderr } = await runInTerminal(["functions", "deploy", "hello"], {
      server: target,
      cwd: folder,
    });
    expect(code).toBe(1);
    expect(stderr).toContain(`Cannot deploy ${name}: it is a symbolic link`);
    expect(stderr).toContain(".reactorignore");
    expect(target.requests).toEqual([]);
  });

  test("a listed link does not disturb", async () => {
    const folder = await folderOf({ "index.ts": "1", ".reactorignore": "link.ts\n" });
    await symlink("/etc/passwd", path.join(folder, "link.ts"));
    const target = server();
    expect(
      (await runInTerminal(["functions", "deploy", "hello"], { server: target, cwd: folder })).code,
    ).toBe(0);
    expect(uploaded(target)).toEqual(["index.ts"]);
  });

  test.each([
    ["a folder that is not there", "none", "it is not there"],
    ["a file", "index.ts", "it is not a folder"],
    ["a folder without files", "empty", "there are no files in it"],
  ])("refuses %s", async (_, dir, message) => {
    const folder = await folderOf({ "index.ts": "1" });
    await mkdir(path.join(folder, "empty"));
    const argv = ["functions", "deploy", "hello", "--dir", dir];
    const { code, stderr } = await runInTerminal(argv, { server: server(), cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).toContain("try: name the function's");
  });

  test("refuses files of more than 250 MiB together before it reads them", async () => {
    const folder = await folderOf({ "index.ts": "1", huge: "" });
    await truncate(path.join(folder, "huge"), 2 ** 40);
    const { code, stderr } = await runInTerminal(["functions", "deploy", "hello"], {
      server: server(),
      cwd: folder,
    });
    expect(code).toBe(1);
    expect(stderr).toContain("more than 250 MiB");
  });

  test("refuses folders deeper than 32", async () => {
    const folder = await folderOf({ [`${"d/".repeat(32)}index.ts`]: "1" });
    const { stderr } = await runInTerminal(["functions", "deploy", "hello"], {
      server: server(),
      cwd: folder,
    });
    expect(stderr).toContain("deeper than 32 folders");
  });

  test.each([
    ["!keep.ts", 'rules that start with "!" are not supported'],
    ["a/**/b/**/c/**/d", '"**" may occur twice at most'],
    ["x".repeat(300), "longer than 256 characters"],
  ])("refuses the ignore rule %s by its line", async (rule, message) => {
    const folder = await folderOf({ "index.ts": "1", ".reactorignore": `*.md\n${rule}\n` });
    const { code, stderr } = await runInTerminal(["functions", "deploy", "hello"], {
      server: server(),
      cwd: folder,
    });
    expect(code).toBe(2);
    expect(stderr).toContain(`.reactorignore line 2`);
    expect(stderr).toContain(message);
  });

  test("a failed deployment exits with 1 and prints the reason and its log without escapes", async () => {
    const folder = await folderOf({ "index.ts": "1" });
    const failure = {
      code: "bundle_invalid",
      message: "does not build",
      log: "\u001b[31mline 1\u001b[0m",
    };
    const target = server(() => Response.json(fakeDeployment({ status: "failed", failure })));
    const { code, stdout, stderr } = await runInTerminal(["functions", "deploy", "hello"], {
      server: target,
      cwd: folder,
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("Deployment hello@1 (dep_1) failed: does not build");
    expect(stderr).toContain("line 1");
    expect(stderr).not.toContain("\u001b");
  });

  test("a failed deployment under --json is the deployment on stdout and exits with 1", async () => {
    const folder = await folderOf({ "index.ts": "1" });
    const failure = { code: "bundle_invalid", message: "no", log: "" };
    const target = server(() => Response.json(fakeDeployment({ status: "failed", failure })));
    const argv = ["functions", "deploy", "hello", "--json"];
    const { code, stdout } = await runInTerminal(argv, { server: target, cwd: folder });
    expect(code).toBe(1);
    expect(JSON.parse(stdout).failure.code).toBe("bundle_invalid");
  });

  test("--promote and --create reach the server", async () => {
    const folder = await folderOf({ "index.ts": "1" });
    const target = server();
    const argv = ["functions", "deploy", "hello", "--promote", "--create"];
    const { stdout } = await runInTerminal(argv, { server: target, cwd: folder });
    expect(stdout).toContain("ready and live");
    expect(target.requests[0]?.line).toContain("promote=true");
    expect(target.requests[0]?.line).toContain("create=true");
  });

  test("an unknown function names the command that creates it", async () => {
    const folder = await folderOf({ "index.ts": "1" });
    const target = server(() => errorResponse(404, "function_not_found", "no function hello"));
    const { code, stderr } = await runInTerminal(["functions", "deploy", "hello"], {
      server: target,
      cwd: folder,
    });
    expect(code).toBe(1);
    expect(stderr).toContain("try: reactor functions create hello");
  });

  test("shows progress on a terminal only", async () => {
    const folder = await folderOf({ "index.ts": "1" });
    const run = async (tty: boolean) =>
      (
        await runInTerminal(["functions", "deploy", "hello"], {
          server: server(),
          cwd: folder,
          tty,
        })
      ).stderr;
    expect(await run(true)).toContain("Deploying 1 file, 1 B");
    expect(await run(false)).not.toContain("Deploying");
  });

  test("never uploads .env and .env.local", async () => {
    const folder = await folderOf({ "index.ts": "1", ".env": "A=1", ".env.local": "B=1" });
    const { stderr } = await runInTerminal(["functions", "deploy", "hello"], {
      server: server(),
      cwd: folder,
      tty: true,
    });
    expect(stderr).toContain("Deploying 1 file, 1 B");
  });
});
