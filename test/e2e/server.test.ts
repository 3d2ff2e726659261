import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { groupsLeft } from "../../src/drivers/process/testing/groups-left.ts";
import {
  makeRunDir,
  processesWith,
  reactor,
  root,
  runDirOf,
  startServer,
  type TestServer,
  until,
} from "./reactor.ts";

/** The server as a process: start, second server, drain, restart, death. */
let server: TestServer;

beforeAll(async () => {
  server = await startServer({ args: ["--example", join(root, "examples/hello")] });
});

afterAll(async () => {
  await server.stop();
});

test("serve --example prints the address of a public function that answers", async () => {
  const url = /http:\/\/127\.0\.0\.1:\d+\/fn\/v1\/hello/.exec(server.output())?.[0] ?? "";
  const response = await fetch(url, {
    method: "POST",
    body: JSON.stringify({ name: "npm start" }),
  });
  expect(await response.json()).toEqual({ message: "Hello, npm start!" });
});

test("the admin key is in a file that only its owner reads, and is not printed", async () => {
  const mode = (await stat(join(server.dataDir, "admin.key"))).mode & 0o777;
  expect(mode).toBe(0o600);
  expect(server.output()).toContain("admin.key");
  expect(server.output()).not.toContain(server.key);
});

test("a second server on the same data folder is refused with the first one's process id", async () => {
  const second = await reactor(["serve", "--listen", "127.0.0.1:0", "--data-dir", server.dataDir]);
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(String(server.pid));
});

test("an address in use is refused with a sentence that names it, after what a misspelt variable was meant to be", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "reactor-e2e-"));
  const second = await reactor(
    ["serve", "--listen", `127.0.0.1:${server.port}`, "--data-dir", dataDir],
    { env: { REACTOR_LISTN: "127.0.0.1:0" } },
  );
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(String(server.port));
  expect(second.stderr).toContain("REACTOR_LISTN is no setting; did you mean REACTOR_LISTEN?");
  await rm(dataDir, { recursive: true, force: true });
});

test("without a sandbox the server says so loudly on loopback and refuses to listen elsewhere", async () => {
  const own = await startServer({ args: ["--sandbox", "off"] });
  expect(own.output()).toContain("BUN FUNCTIONS RUN WITHOUT A SANDBOX (tier 0)");
  await own.deploy("plain", `export default { fetch: () => new Response("unsandboxed") };`);
  expect(await (await own.fetch("/fn/v1/plain")).text()).toBe("unsandboxed");
  await own.stop();
  const dataDir = await mkdtemp(join(tmpdir(), "reactor-e2e-"));
  const open = await reactor([
    "serve",
    "--sandbox",
    "off",
    "--listen",
    "0.0.0.0:0",
    "--data-dir",
    dataDir,
  ]);
  expect(open.code).toBe(1);
  expect(open.stderr).toContain("without a sandbox; set sandbox to auto, listen on 127.0.0.1");
  expect(open.stderr).toContain("--allow-unsandboxed");
  await rm(dataDir, { recursive: true, force: true });
});

test("/fn/v1/health, /metrics and the OpenAPI document answer", async () => {
  expect(await (await server.fetch("/fn/v1/health")).json()).toMatchObject({
    status: "ok",
    version: expect.any(String),
    runtimes: expect.anything(),
  });
  const metrics = await (
    await server.fetch("/metrics", { headers: { authorization: `Bearer ${server.key}` } })
  ).text();
  expect(metrics).toMatch(/reactor_invocations_total\{[^}]*function="hello"[^}]*\} \d+/);
  const openapi = (await (await server.fetch("/api/v1/openapi.json")).json()) as {
    openapi: string;
  };
  expect(openapi.openapi).toStartWith("3.");
});

test("an unknown path and an unknown function are 404 envelopes", async () => {
  expect(await (await server.fetch("/nowhere")).json()).toMatchObject({
    error: { code: "route_not_found" },
  });
  const missing = await server.fetch("/fn/v1/missing");
  expect(missing.headers.get("x-reactor-function")).toBeNull();
  expect(await missing.json()).toMatchObject({
    error: { code: "function_not_found", status: 404 },
  });
});

test("promote under load: no request fails, none is answered by the old version after it returned", async () => {
  const source = (version: number): string =>
    `export default { fetch: () => new Response("${version}") };`;
  await server.deploy("swap", source(1));
  const state = { stop: false, promoted: false };
  const wrong: string[] = [];
  const load = Array.from({ length: 8 }, async () => {
    while (!state.stop) {
      const afterPromote = state.promoted;
      const response = await server.fetch("/fn/v1/swap");
      const text = await response.text();
      if (response.status !== 200 || (afterPromote && text !== "2"))
        wrong.push(`${response.status} ${text}`);
    }
  });
  await server.deploy("swap", source(2));
  state.promoted = true;
  await Promise.all(
    Array.from({ length: 50 }, () => server.fetch("/fn/v1/swap").then((r) => r.text())),
  );
  state.stop = true;
  await Promise.all(load);
  expect(wrong).toEqual([]);
});

async function drainsAndLeavesNothing(end: (server: TestServer) => void): Promise<void> {
  const runDir = await makeRunDir();
  const own = await startServer({ env: { REACTOR_RUN_DIR: runDir }, ownGroup: true });
  await own.deploy(
    "slow",
    `export default { async fetch() { await new Promise((r) => setTimeout(r, 400)); return new Response("whole"); } };`,
  );
  await (await own.fetch("/fn/v1/slow")).text();
  const running = own.fetch("/fn/v1/slow").then((response) => response.text());
  await until("the request runs", async () =>
    /reactor_invocations_in_flight[^\n]* 1$/m.test(
      await (
        await own.fetch("/metrics", { headers: { authorization: `Bearer ${own.key}` } })
      ).text(),
    ),
  );
  expect(await processesWith(runDir)).not.toEqual([]);
  end(own);
  expect(await running).toBe("whole");
  expect(await own.exited).toBe(0);
  expect(await processesWith(runDir)).toEqual([]);
  expect(groupsLeft(runDir)).toEqual([]);
  expect(await stat(runDir).catch((error: NodeJS.ErrnoException) => error.code)).toBe("ENOENT");
  await own.stop();
}

test("SIGTERM lets a running request finish, exits 0 and leaves no process or run folder behind", () =>
  drainsAndLeavesNothing((server) => server.signal("SIGTERM")));

test("Ctrl-C in its terminal lets a running request finish, exits 0 and leaves no process or run folder behind", () =>
  drainsAndLeavesNothing((server) => server.interrupt()));

test("after kill -9 no instance is left, a new server serves the deployed function by itself, and after it no cgroup is left", async () => {
  const first = await startServer();
  await first.deploy("stays", `export default { fetch: () => new Response("still here") };`);
  await (await first.fetch("/fn/v1/stays")).text();
  const children = await descendants(first.pid);
  expect(children.length).toBeGreaterThan(0);
  first.signal("SIGKILL");
  await first.exited;
  await until("instances die with the server", async () => {
    const alive = await Promise.all(
      children.map((pid) =>
        stat(`/proc/${pid}`).then(
          () => true,
          () => false,
        ),
      ),
    );
    return !alive.includes(true);
  });
  const second = await startServer({ dataDir: first.dataDir });
  expect(await (await second.fetch("/fn/v1/stays")).text()).toBe("still here");
  await second.stop({ keepData: true });
  expect(groupsLeft(runDirOf(first.dataDir))).toEqual([]);
  await rm(first.dataDir, { recursive: true, force: true });
}, 30_000);

async function descendants(pid: number): Promise<number[]> {
  const found: number[] = [];
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const status = await Bun.file(`/proc/${entry}/status`)
      .text()
      .catch(() => "");
    if (Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]) === pid) {
      found.push(Number(entry), ...(await descendants(Number(entry))));
    }
  }
  return found;
}
