import { describe, expect, test } from "bun:test";
import { createVirtualClock } from "../../../base/clock.ts";
import { createFakeServer } from "../../fake-server.ts";
import { runInTerminal } from "../../run-in-terminal.ts";

const time = "2026-11-21T01:02:03.456Z";
const secret = (key: string) => ({ key, secret: true, version: 3, value: null, updated_at: time });
const items = [
  secret("TOKEN"),
  { key: "PLAIN", secret: false, version: 1, value: "not a secret", updated_at: time },
];

const server = () =>
  createFakeServer({
    "PUT /api/v1/env/TOKEN": () => Response.json(secret("TOKEN")),
    "GET /api/v1/env": () => Response.json({ items }),
    "DELETE /api/v1/env/TOKEN": () => Response.json({ key: "TOKEN" }),
    "PUT /api/v1/functions/hello/env/TOKEN": () => Response.json(secret("TOKEN")),
    "GET /api/v1/functions/hello/env": () => Response.json({ items: [] }),
  });

function bodyOf(target: ReturnType<typeof server>): unknown {
  return JSON.parse(target.requests.at(-1)?.body.toString() ?? "");
}

describe("reactor secrets", () => {
  test("set takes the value from stdin, stores it encrypted and prints it nowhere", async () => {
    const target = server();
    const { code, stdout, stderr } = await runInTerminal(["secrets", "set", "TOKEN"], {
      server: target,
      stdin: "s3cret-value\n",
    });
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: "Set secret TOKEN of the project, version 3\n",
      stderr: "",
    });
    expect(target.requests.at(-1)?.line).toBe("PUT /api/v1/env/TOKEN");
    expect(bodyOf(target)).toEqual({ value: "s3cret-value", secret: true });
  });

  test("set takes a value on the command line with a warning, and refuses none at all", async () => {
    const target = server();
    const given = await runInTerminal(["secrets", "set", "TOKEN", "s3cret-value"], {
      server: target,
    });
    expect([given.code, given.stderr.includes("shell's history")]).toEqual([0, true]);
    expect(given.stdout + given.stderr).not.toContain("s3cret-value");
    const none = await runInTerminal(["secrets", "set", "TOKEN"], { server: target });
    expect([none.code, none.stderr.includes("reactor secrets set TOKEN")]).toEqual([2, true]);
  });

  test("set --function sets that function's own", async () => {
    const target = server();
    const typed = ["secrets", "set", "TOKEN", "--function", "hello"];
    const { stdout } = await runInTerminal(typed, { server: target, stdin: "v" });
    expect(stdout).toBe("Set secret TOKEN of hello, version 3\n");
    expect(target.requests.at(-1)?.line).toBe("PUT /api/v1/functions/hello/env/TOKEN");
  });

  test("get and list show name, version and age; variables are no secrets", async () => {
    const clock = createVirtualClock(Date.parse("2026-11-23T02:00:00Z"));
    const { stdout } = await runInTerminal(["secrets", "get", "TOKEN"], {
      server: server(),
      clock,
    });
    expect(stdout).toBe("name     TOKEN\nversion  3\nage      2d\nset      2026-11-21T01:02:03Z\n");
    const listed = await runInTerminal(["secrets", "list"], { server: server(), clock });
    expect(listed.stdout).toBe("NAME   VERSION  AGE\nTOKEN  3        2d\n");
    const plain = await runInTerminal(["secrets", "get", "PLAIN"], { server: server(), clock });
    expect([plain.code, plain.stdout]).toEqual([1, ""]);
    expect(plain.stderr).not.toContain("not a secret");
    const json = await runInTerminal(["secrets", "list", "--json"], { server: server(), clock });
    expect(JSON.parse(json.stdout)).toEqual([secret("TOKEN")]);
  });

  test("an empty list and an unknown name say what to type next", async () => {
    const typed = ["secrets", "list", "--function", "hello"];
    const none = await runInTerminal(typed, { server: server() });
    expect(none.stdout).toBe("There are no secrets of hello\n");
    expect(none.stderr).toContain("reactor secrets set KEY --function hello");
    const unknown = await runInTerminal(["secrets", "get", "NOPE"], { server: server() });
    expect([unknown.code, unknown.stderr.includes("reactor secrets list")]).toEqual([1, true]);
  });

  test("unset removes a secret and no variable", async () => {
    const target = server();
    const { stdout } = await runInTerminal(["secrets", "unset", "TOKEN"], { server: target });
    expect(stdout).toBe("Removed TOKEN of the project\n");
    expect(target.requests.at(-1)?.line).toBe("DELETE /api/v1/env/TOKEN");
    const plain = await runInTerminal(["secrets", "unset", "PLAIN"], { server: server() });
    expect(plain.code).toBe(1);
  });
});
