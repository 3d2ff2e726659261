import { afterAll, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createFakeServer } from "./fake-server.ts";
import { runInTerminal } from "./run-in-terminal.ts";

const root = await mkdtemp(path.join(tmpdir(), "reactor-connect-"));
afterAll(() => rm(root, { recursive: true, force: true }));
const project = path.join(root, "a/b/c");
const fileKey = "rk_from_the_admin_key_file";
await mkdir(path.join(root, "a/.reactor"), { recursive: true });
await mkdir(path.join(root, "data"), { recursive: true });
await mkdir(project, { recursive: true });
await writeFile(path.join(root, "a/.reactor/admin.key"), `${fileKey}\n`);
await writeFile(path.join(root, "data/admin.key"), "rk_from_the_data_dir");

async function sentKey(
  argv: readonly string[],
  env: Record<string, string>,
): Promise<string | null | undefined> {
  const server = createFakeServer({
    "GET /api/v1/functions": () => Response.json({ items: [], next_cursor: null }),
  });
  const { code } = await runInTerminal(["functions", "list", ...argv], {
    server,
    env,
    cwd: project,
  });
  expect(code).toBe(0);
  return server.requests[0]?.headers.get("authorization");
}

describe("the key that the CLI sends", () => {
  test("is the flag's before the environment's", async () => {
    const env = { REACTOR_API_KEY: "rk_env" };
    expect(await sentKey(["--key", "rk_flag"], env)).toBe("Bearer rk_flag");
    expect(await sentKey([], env)).toBe("Bearer rk_env");
  });

  test("is the nearest admin key file's from the current folder upward when nothing else names one", async () => {
    expect(await sentKey([], {})).toBe(`Bearer ${fileKey}`);
    expect(await sentKey([], { REACTOR_API_KEY: "" })).toBe(`Bearer ${fileKey}`);
  });

  test("is the one of REACTOR_DATA_DIR when that is set", async () => {
    expect(await sentKey([], { REACTOR_DATA_DIR: path.join(root, "data") })).toBe(
      "Bearer rk_from_the_data_dir",
    );
    expect(await sentKey([], { REACTOR_DATA_DIR: path.join(root, "none") })).toBeNull();
  });

  test("is never the file's for a server on another machine", async () => {
    expect(await sentKey(["--url", "https://reactor.example.com"], {})).toBeNull();
    expect(await sentKey([], { REACTOR_URL: "http://10.0.0.5:8080" })).toBeNull();
    expect(await sentKey(["--url", "http://localhost:9999"], {})).toBe(`Bearer ${fileKey}`);
  });

  test("a file that holds no key is refused by name", async () => {
    const folder = path.join(root, "broken/.reactor");
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, "admin.key"), "-----BEGIN PRIVATE KEY-----");
    const cwd = path.dirname(folder);
    const { code, stderr } = await runInTerminal(["functions", "list"], { env: {}, cwd });
    expect(code).toBe(1);
    expect(stderr).toContain(path.join(folder, "admin.key"));
    expect(stderr).not.toContain("PRIVATE KEY");
  });
});
