import { afterEach, expect, test } from "bun:test";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BenchOptions, type InstallBench, openInstallBench } from "./install-bench.harness.ts";
import type { TestPackage } from "./package-archive.harness.ts";
import { type RegistryServer, startRegistry } from "./registry-server.harness.ts";

const packages: readonly TestPackage[] = ["a", "b", "c", "d"].map((name) => ({
  name,
  version: "1.0.0",
  files: { "index.js": name },
}));
const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const part of opened.splice(0)) await part.close();
});

type Intercept = NonNullable<Parameters<typeof startRegistry>[1]>;

async function open(
  intercept?: Intercept,
  options: BenchOptions = {},
): Promise<{ registry: RegistryServer; bench: InstallBench }> {
  const registry = await startRegistry(packages, intercept);
  const bench = await openInstallBench({ registry: registry.url, ...options });
  opened.push(bench, registry);
  return { registry, bench };
}

function project(registry: RegistryServer, names = packages): Record<string, string> {
  const dependencies = Object.fromEntries(names.map(({ name }) => [name, "1.0.0"]));
  return {
    "package.json": JSON.stringify({ dependencies }),
    "package-lock.json": JSON.stringify({
      lockfileVersion: 3,
      packages: {
        "": { dependencies },
        ...Object.fromEntries(
          names.map((pack) => [`node_modules/${pack.name}`, registry.lockEntry(pack)]),
        ),
      },
    }),
  };
}

test("the second install of a lockfile comes from the cache", async () => {
  const { registry, bench } = await open();
  const first = await bench.install(project(registry));
  expect(registry.asked.length).toBe(4);
  const second = await bench.install({ ...project(registry), "index.js": "other code" });
  expect(registry.asked.length).toBe(4);
  expect(second.notes[0]).toMatch(/ms, from the cache: 4 packages: a@1\.0\.0, /);
  expect([...second.files.keys()].filter((path) => path.startsWith("node_modules/"))).toEqual(
    [...first.files.keys()].filter((path) => path.startsWith("node_modules/")),
  );
});

test("a damaged cache is made anew", async () => {
  const { registry, bench } = await open();
  await bench.install(project(registry));
  const [name = ""] = await readdir(bench.cacheFolder);
  const file = join(bench.cacheFolder, name);
  const bytes = await readFile(file);
  await writeFile(file, bytes.subarray(0, bytes.length / 2));
  const again = await bench.install(project(registry));
  expect(again.notes[0]).not.toContain("from the cache");
  expect(registry.asked.length).toBe(8);
});

test("installs of one lockfile at the same time fetch each package once", async () => {
  const { registry, bench } = await open();
  const files = project(registry);
  const all = await Promise.all(Array.from({ length: 5 }, () => bench.install(files)));
  for (const { files: installed } of all)
    expect(installed.has("node_modules/d/index.js")).toBe(true);
  expect(registry.asked.map(({ path }) => path).toSorted()).toEqual(
    packages.map(({ name }) => `/${name}/-/${name}-1.0.0.tgz`),
  );
});

test("a registry that is down is a typed error, and nothing is kept of it", async () => {
  const { registry, bench } = await open();
  const files = project(registry);
  await registry.close();
  const refused = await bench.refusal(files);
  expect(refused.code).toBe("dependencies_unavailable");
  expect(refused.message).toContain("@1.0.0 cannot be fetched");
  expect(await readdir(bench.cacheFolder)).toEqual([]);
});

test("a registry that drips is given up when the install's time is over", async () => {
  let closed = 0;
  const { registry, bench } = await open(
    (_path, response) => {
      response.writeHead(200);
      const drip = (): void => {
        if (!response.destroyed)
          response.write("x", () => queueMicrotask(() => setTimeout(drip, 5)));
      };
      response.on("close", () => void (closed += 1));
      drip();
      return true;
    },
    { timeoutMs: 100 },
  );
  const refused = await bench.refusal(project(registry));
  expect(refused.code).toBe("dependencies_unavailable");
  expect(refused.message).toContain("longer than 100 ms (functions.install_timeout_ms)");
  await registry.close();
  expect(closed).toBe(4);
});

test("the first failure ends the other downloads", async () => {
  const hanging = Promise.withResolvers<void>();
  const others = new Set<string>();
  let closed = 0;
  const { registry, bench } = await open((path, response) => {
    if (path.startsWith("/d/")) {
      void hanging.promise.then(() => response.writeHead(404).end());
    } else {
      response.on("close", () => void (closed += 1));
      if (others.add(path).size === 3) hanging.resolve();
    }
    return true;
  });
  const refused = await bench.refusal(project(registry));
  expect(refused.message).toContain("d@1.0.0 cannot be fetched");
  await registry.close();
  expect(closed).toBe(3);
});

test("an install that nobody waits for any more is stopped", async () => {
  const stop = new AbortController();
  const closed = Promise.withResolvers<void>();
  const { registry, bench } = await open((_path, response) => {
    response.on("close", () => closed.resolve());
    stop.abort(new Error("the client left"));
    return true;
  });
  const install = bench.install(project(registry), { signal: stop.signal });
  expect(String(await install.catch((error: unknown) => error))).toContain("the client left");
  await closed.promise;
  expect(await readdir(bench.cacheFolder)).toEqual([]);
});
