import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fakeDeployment } from "../fake-resources.ts";
import type { FakeServer } from "../fake-server.ts";
import { runInTerminal } from "../run-in-terminal.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "reactor-deploy-"));
  for (const name of ["a", "b", "c", "d", "e", "f"]) {
    await mkdir(join(root, "functions", name), { recursive: true });
    await writeFile(join(root, "functions", name, "index.ts"), "");
  }
});
afterEach(() => rm(root, { recursive: true }));

test("deploys four functions at a time, promotes all in one request, and prints one table", async () => {
  const four = Promise.withResolvers<void>();
  const lines: string[] = [];
  let running = 0;
  let most = 0;
  const server: FakeServer = {
    requests: [],
    async fetch(request) {
      const { pathname } = new URL(request.url);
      lines.push(`${request.method} ${pathname}`);
      if (!pathname.endsWith("/deployments")) return Response.json({ items: [] });
      running += 1;
      most = Math.max(most, running);
      if (running === 4) four.resolve();
      // Nothing is answered before four are under way: one after the other it would never end.
      await four.promise;
      running -= 1;
      return Response.json(fakeDeployment({ id: `dep_${pathname.split("/")[4]}` }));
    },
  };
  const { code, stdout } = await runInTerminal(["deploy"], { server, cwd: root });
  expect([code, most]).toEqual([0, 4]);
  expect(lines.length).toBe(7);
  expect(lines.at(-1)).toBe("POST /api/v1/promotions");
  expect(stdout.match(/^\w+/gm)).toEqual(["FUNCTION", "a", "b", "c", "d", "e", "f"]);
});

test("the next command is one of a function that a body alone can call", async () => {
  const server: FakeServer = {
    requests: [],
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const name = pathname.split("/")[4];
      const { manifest } = fakeDeployment();
      const route = { path: name === "a" ? "/a/:id" : `/${name}`, method: "POST" } as const;
      return pathname.endsWith("/deployments")
        ? Response.json(fakeDeployment({ manifest: { ...manifest, route } }))
        : Response.json({ items: [] });
    },
  };
  const { stderr } = await runInTerminal(["deploy", "--only", "a,b"], { server, cwd: root });
  expect(stderr).toContain("Next: reactor invoke b --payload '{}'");
});
