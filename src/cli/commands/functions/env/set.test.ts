import { describe, expect, test } from "bun:test";
import { createFakeServer } from "../../../fake-server.ts";
import { runInTerminal } from "../../../run-in-terminal.ts";

const time = "2026-11-21T01:02:03.456Z";
const server = () =>
  createFakeServer({
    "PUT /api/v1/functions/hello/env/KEY": () =>
      Response.json({ key: "KEY", secret: true, version: 1, value: null, updated_at: time }),
    "GET /api/v1/functions/hello/env": () =>
      Response.json({
        items: [
          { key: "KEY", secret: true, version: 1, value: null, updated_at: time },
          { key: "PLAIN", secret: false, version: 1, value: "x\u001b[2J", updated_at: time },
        ],
      }),
    "DELETE /api/v1/functions/hello/env/KEY": () => Response.json({ key: "KEY" }),
  });
const set = ["functions", "env", "set", "hello", "KEY"];

describe("reactor functions env", () => {
  test("set takes the value from the command line", async () => {
    const target = server();
    const { code, stderr } = await runInTerminal([...set, "value"], { server: target });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(target.requests[0]?.body.toString() ?? "")).toEqual({
      value: "value",
      secret: false,
    });
  });

  test("KEY=VALUE is refused with the command that sets it, and without the value", async () => {
    const target = server();
    const argv = ["functions", "env", "set", "hello", "KEY=hidden"];
    const plain = await runInTerminal(argv, { server: target });
    expect(plain).toMatchObject({ code: 2 });
    expect(plain.stderr).toBe(
      "error: Cannot set KEY=…: the value comes after a space, or on stdin\n" +
        "  try: reactor functions env set hello KEY VALUE\n",
    );
    const { stderr } = await runInTerminal(["secrets", "set", "KEY=hidden"], { server: target });
    expect(stderr).toContain('try: printf %s "$VALUE" | reactor secrets set KEY\n');
    expect(stderr).not.toContain("hidden");
    expect(target.requests).toEqual([]);
  });

  test("set takes a value that looks like an option after --", async () => {
    const target = server();
    expect((await runInTerminal([...set, "--", "-x"], { server: target })).code).toBe(0);
    expect(JSON.parse(target.requests[0]?.body.toString() ?? "").value).toBe("-x");
  });

  test("set --secret reads stdin without its final line break and prints no value anywhere", async () => {
    const target = server();
    const { code, stdout, stderr } = await runInTerminal([...set, "--secret"], {
      server: target,
      stdin: "s3cret-value\n",
    });
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain("s3cret-value");
    expect(JSON.parse(target.requests[0]?.body.toString() ?? "")).toEqual({
      value: "s3cret-value",
      secret: true,
    });
  });

  test("set --secret with the value in the command line works and warns", async () => {
    const { code, stderr } = await runInTerminal([...set, "s3cret-value", "--secret"], {
      server: server(),
    });
    expect(code).toBe(0);
    expect(stderr).toContain("warning: the value of KEY");
    expect(stderr).not.toContain("s3cret-value");
  });

  test.each([
    ["an empty stdin", "", "There was no value for KEY"],
    ["more than 64 KiB", "x".repeat(65_537), "more than 65536 bytes"],
  ])("set refuses %s", async (_, stdin, message) => {
    const target = server();
    const { code, stderr } = await runInTerminal([...set, "--secret"], { server: target, stdin });
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(target.requests).toEqual([]);
  });

  test("list hides secrets and strips escapes from values", async () => {
    const { stdout } = await runInTerminal(["functions", "env", "list", "hello"], {
      server: server(),
    });
    expect(stdout).toMatch(/KEY +secret +\(hidden\)/);
    expect(stdout).toMatch(/PLAIN +variable +x /);
    expect(stdout).not.toContain("\u001b");
  });

  test("unset removes", async () => {
    const { code, stdout } = await runInTerminal(["functions", "env", "unset", "hello", "KEY"], {
      server: server(),
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: "Removed KEY from hello\n" });
  });
});
