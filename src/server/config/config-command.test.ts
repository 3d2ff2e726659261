import { afterAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { runInTerminal } from "../../cli/run-in-terminal.ts";
import { configCommand } from "./config-command.ts";

const cwd = await mkdtemp(path.join(tmpdir(), "reactor-config-command-"));
afterAll(() => rm(cwd, { recursive: true, force: true }));
const secret = Buffer.alloc(32, 9).toString("base64");
await writeFile(
  path.join(cwd, "reactor.toml"),
  `# mine\nlog_level = "warn"\nfunctions.data_key = "${secret}"\n`,
);

const run = (argv: readonly string[], env: Record<string, string> = {}) =>
  runInTerminal(["config", ...argv], { cwd, env, localCommands: [configCommand] });

describe("reactor config", () => {
  test("prints each value and where it came from, without secrets", async () => {
    const { code, stdout, stderr } = await run(["--listen", "127.0.0.1:80"], {
      REACTOR_DATA_DIR: "/data",
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^listen +127\.0\.0\.1:80 +flag --listen$/m);
    expect(stdout).toMatch(/^data_dir +\/data +env REACTOR_DATA_DIR$/m);
    expect(stdout).toMatch(/^log_level +warn +file reactor\.toml:2$/m);
    expect(stdout).toMatch(/^functions\.data_key +\(hidden\) +file reactor\.toml:3$/m);
    expect(stdout).not.toContain(secret);
  });

  test("--json prints the same for a program", async () => {
    const { stdout } = await run(["--json"], { REACTOR_NONSENSE: "1" });
    const report = JSON.parse(stdout);
    expect(report.file).toBe(path.join(cwd, "reactor.toml"));
    expect(report.settings).toContainEqual({
      key: "log_level",
      value: "warn",
      origin: "file reactor.toml:2",
    });
    expect(report.warnings).toHaveLength(1);
    expect(stdout).not.toContain(secret);
  });

  test("settings that cannot be used exit with 2 and list every problem", async () => {
    const { code, stdout, stderr } = await run(["--log-level", "loud", "--listen", "x"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("flag --log-level: log_level is");
    expect(stderr).toContain("flag --listen: listen is");
    expect(stderr).toContain("try: reactor config --help");
  });

  test("has no flag for a secret", async () => {
    expect((await run(["--data-key", secret])).code).toBe(2);
  });
});
