import { describe, expect, test } from "bun:test";
import { createFakeServer, errorResponse } from "./fake-server.ts";
import { fakeDeployment, fakeFunction } from "./fake-resources.ts";
import { commands } from "./commands.ts";
import { defineCommand } from "./command.ts";
import { runInTerminal } from "./run-in-terminal.ts";

const list = () =>
  createFakeServer({
    "GET /api/v1/functions": () => Response.json({ items: [fakeFunction()], next_cursor: null }),
  });

describe("runCli()", () => {
  test("without words prints the help and succeeds", async () => {
    const { code, stdout } = await runInTerminal([]);
    expect(code).toBe(0);
    expect(stdout).toContain("Usage: reactor");
    expect(stdout).toContain("functions");
  });

  test("prints its version", async () => {
    expect(await runInTerminal(["--version"])).toMatchObject({ code: 0, stdout: "9.9.9\n" });
  });

  for (const command of commands) {
    test(`\`reactor ${command.name} --help\` shows an example and exits with 0`, async () => {
      const { code, stdout } = await runInTerminal([...command.name.split(" "), "--help"]);
      expect(code).toBe(0);
      expect(command.examples.length).toBeGreaterThan(0);
      for (const example of command.examples) expect(stdout).toContain(`$ ${example.command}`);
    });
  }

  test("`help` before a command's words is its --help, and alone that of all", async () => {
    const words = ["functions", "deploy"];
    const asked = await runInTerminal(["help", ...words]);
    expect(asked).toEqual(await runInTerminal([...words, "--help"]));
    expect(asked.stdout).toContain("--dir <folder>");
    expect((await runInTerminal(["help"])).stdout).toContain("Usage: reactor [options] [command]");
  });

  test.each([
    ["an unknown command", ["functions", "lst"], "Did you mean list"],
    ["an unknown option", ["functions", "list", "--limits", "3"], "Did you mean --limit"],
    ["a missing argument", ["functions", "get"], "missing required argument 'function'"],
    ["an argument too many", ["functions", "get", "a", "b"], "too many arguments"],
    [
      "a value that is no number",
      ["functions", "list", "--limit", "many"],
      "whole number from 1 to 500",
    ],
    [
      "a number out of bounds",
      ["functions", "list", "--limit", "501"],
      "whole number from 1 to 500",
    ],
    [
      "a runtime that does not exist",
      ["functions", "create", "a", "--runtime", "bum"],
      "Allowed choices",
    ],
    ["a group alone", ["functions"], "Usage: reactor functions"],
    ["a URL that is none", ["functions", "list", "--url", "ftp://x"], '--url is "ftp://x"'],
  ])("%s exits with 2 and says why", async (_, argv, message) => {
    const { code, stdout, stderr } = await runInTerminal(argv);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(message);
  });

  test("a wrong option names the help of its own command", async () => {
    const { stderr } = await runInTerminal(["functions", "env", "set", "--nope"]);
    expect(stderr).toContain("try: reactor functions env set --help");
  });

  test("options for all commands may stand before the command and after it", async () => {
    for (const argv of [
      ["--json", "--project", "shop", "functions", "list"],
      ["functions", "list", "--json", "--project", "shop"],
    ]) {
      const server = list();
      const { code, stdout } = await runInTerminal(argv, { server });
      expect(code).toBe(0);
      expect(JSON.parse(stdout).items[0].name).toBe("hello");
      expect(server.requests[0]?.headers.get("x-reactor-project")).toBe("shop");
    }
  });

  test("an option after the command wins over the same one before it", async () => {
    const server = list();
    await runInTerminal(["--key", "rk_first", "functions", "list", "--key", "rk_second"], {
      server,
    });
    expect(server.requests[0]?.headers.get("authorization")).toBe("Bearer rk_second");
  });

  test("a refused call exits with 1, says message, code and request id, and the command to try", async () => {
    const server = createFakeServer({
      "POST /api/v1/functions": () => errorResponse(409, "function_exists", `"hello" is taken`),
    });
    const result = await runInTerminal(["functions", "create", "hello"], { server });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain(`error: "hello" is taken (function_exists, req_test)`);
    expect(result.stderr).toContain("try: reactor functions get hello");
  });

  test("under --json a refused call is JSON on stderr and stdout stays empty", async () => {
    const server = createFakeServer({
      "GET /api/v1/functions/nope": () =>
        errorResponse(404, "function_not_found", "gone", { a: 1 }),
    });
    const { code, stdout, stderr } = await runInTerminal(["functions", "get", "nope", "--json"], {
      server,
    });
    expect([code, stdout]).toEqual([1, ""]);
    expect(JSON.parse(stderr).error).toEqual({
      code: "function_not_found",
      message: "gone",
      next: "reactor functions list",
      status: 404,
      request_id: "req_test",
      details: { a: 1 },
    });
  });

  test("an unreachable server names the command that starts one", async () => {
    const { code, stderr } = await runInTerminal(["functions", "list"]);
    expect(code).toBe(1);
    expect(stderr).toContain("http://127.0.0.1:8080");
    expect(stderr).toContain("try: reactor serve");
  });

  test("every error code that a command names a step for fills its placeholders", async () => {
    const server = createFakeServer({
      "POST /api/v1/functions/hello/promote": () =>
        errorResponse(409, "deployment_failed", "it failed"),
    });
    const { stderr } = await runInTerminal(["functions", "promote", "hello"], { server });
    expect(stderr).toContain("try: reactor functions deployments list hello");
  });

  test("colours appear on a terminal, and not with NO_COLOR or TERM=dumb", async () => {
    const escape = "\u001b[";
    const run = async (tty: boolean, env: Record<string, string>) =>
      (await runInTerminal(["functions", "list"], { tty, env })).stderr.includes(escape);
    expect(await run(true, {})).toBe(true);
    expect(await run(true, { NO_COLOR: "1" })).toBe(false);
    expect(await run(true, { TERM: "dumb" })).toBe(false);
    expect(await run(false, {})).toBe(false);
  });

  test("escape sequences in an error message never reach the terminal", async () => {
    const server = createFakeServer({
      "GET /api/v1/functions/x": () =>
        errorResponse(404, "function_not_found", "\u001b]0;owned\u0007no\u001b[2J"),
    });
    const { stderr } = await runInTerminal(["functions", "get", "x"], { server });
    expect(stderr).toContain("error: no (");
    expect(stderr).not.toContain("\u001b");
  });

  test("a bug in a command exits with 1 and shows its stack", async () => {
    const broken = defineCommand({
      name: "broken",
      summary: "Breaks",
      local: true,
      arguments: {},
      options: {},
      examples: [],
      errors: [],
      run: () => Promise.reject(new Error("a bug")),
    });
    const { code, stderr } = await runInTerminal(["broken"], { localCommands: [broken] });
    expect(code).toBe(1);
    expect(stderr).toContain("a bug");
    expect(stderr).toContain("run-cli.test.ts");
  });

  test("an aborted signal ends a running call with 1 and without an error report", async () => {
    const interrupt = new AbortController();
    const server = {
      requests: [],
      fetch: (request: Request): Promise<Response> =>
        new Promise((_, reject) => {
          request.signal.addEventListener("abort", () => reject(new Error("aborted")));
          interrupt.abort(new Error("SIGINT"));
        }),
    };
    const result = await runInTerminal(["functions", "list"], { server, signal: interrupt.signal });
    expect(result).toEqual({ code: 1, stdout: "", stderr: "Interrupted\n" });
  });

  test("the first half of the source's commands sends what the API takes", async () => {
    const deployment = () => Response.json(fakeDeployment({ id: "dep_2", revision: 2 }));
    const server = createFakeServer({
      "POST /api/v1/functions": () => Response.json(fakeFunction(), { status: 201 }),
      "POST /api/v1/functions/hello/promote": deployment,
      "POST /api/v1/functions/hello/rollback": deployment,
      "GET /api/v1/functions/hello": () => Response.json(fakeFunction()),
      "GET /api/v1/functions/hello/deployments": () =>
        Response.json({ items: [fakeDeployment()], next_cursor: "1" }),
    });
    const run = (line: string) => runInTerminal(line.split(" "), { server });
    expect((await run("functions create hello --runtime bun")).stdout).toContain(
      "Created function hello",
    );
    expect((await run("functions promote hello")).stdout).toBe(
      "Promoted hello@2 (dep_2) to production\n",
    );
    expect((await run("functions promote hello --deployment dep_2")).code).toBe(0);
    expect((await run("functions rollback hello --to-deployment dep_2")).stdout).toContain(
      "hello@2 (dep_2)",
    );
    const listed = (await run("functions deployments list hello")).stdout;
    expect(listed).toMatch(/dep_1 +@1 +ready +production/);
    expect(listed).toContain("More: reactor functions deployments list hello --cursor 1");
    const bodies = server.requests
      .filter((request) => request.body.length > 0)
      .map((request) => [request.line, JSON.parse(request.body.toString())]);
    expect(bodies).toContainEqual(["POST /api/v1/functions", { name: "hello", runtime: "bun" }]);
    expect(bodies).toContainEqual([
      "POST /api/v1/functions/hello/promote",
      { deployment_id: "dep_2" },
    ]);
    expect(bodies).toContainEqual([
      "POST /api/v1/functions/hello/rollback",
      { deployment_id: "dep_2" },
    ]);
  });
});
