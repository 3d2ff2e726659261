import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  jsrLockTable,
  startJsrRegistry,
  type TestJsrPackage,
} from "../../src/dependencies/jsr/jsr-registry.harness.ts";
import {
  integrityOf,
  packageArchive,
  type TestPackage,
} from "../../src/dependencies/package-archive.harness.ts";
import {
  pathOf,
  type RegistryServer,
  startRegistry,
} from "../../src/dependencies/registry-server.harness.ts";
import { reactor, root, type RunResult, startServer, type TestServer } from "./reactor.ts";

/** Deno functions that import packages of jsr, with the lockfile that the real Deno makes. */
const shout: TestPackage = {
  name: "shout",
  version: "1.2.3",
  json: { main: "index.js" },
  files: { "index.js": "module.exports = (text) => text.toUpperCase();" },
};
const mark: TestJsrPackage = {
  name: "@deep/mark",
  version: "0.2.3",
  exports: { ".": "./mod.ts", "./twice": "./lib/twice.ts" },
  files: {
    "/mod.ts": "export const mark: string = '!';",
    "/lib/twice.ts": "import { mark } from '../mod.ts'; export const twice: string = mark + mark;",
    "/mod_test.ts": "import 'jsr:@absent/assert@1';",
  },
};
const greet: TestJsrPackage = {
  name: "@deep/greet",
  version: "1.4.0",
  exports: { ".": "./mod.ts" },
  files: {
    "/mod.ts": `import shout from "npm:shout@^1.0.0";
      import { posix } from "node:path";
      import { mark } from "jsr:@deep/mark@^0.2.0";
      import words from "./words.json" with { type: "json" };
      export const greet = (): string => posix.join(shout(words.hello), mark);`,
    "/words.json": '{"hello":"hello"}',
  },
};
const packages = [mark, greet];
const sources = {
  "reactor.json": JSON.stringify({ runtime: "deno" }),
  "deno.json": JSON.stringify({ imports: { greet: "jsr:@deep/greet@1.x" } }),
  "main.ts": `import { greet } from "greet";
    import { mark } from "jsr:@deep/mark";
    import { twice } from "jsr:@deep/mark@~0.2.1/twice";
    export default { fetch: () => new Response([greet(), mark, twice].join(" ")) };`,
};

let jsr: RegistryServer;
let npm: RegistryServer;
let server: TestServer;
let home: string;

beforeAll(async () => {
  jsr = await startJsrRegistry(packages);
  npm = await startRegistry([shout], (path, response) => {
    if (path !== "/shout") return false;
    response.end(packument());
    return true;
  });
  const env = { REACTOR_FUNCTIONS_NPM_REGISTRY: npm.url, REACTOR_FUNCTIONS_JSR_REGISTRY: jsr.url };
  server = await startServer({ runtimes: "all", env });
  home = await mkdtemp(join(tmpdir(), "reactor-jsr-"));
});

afterAll(async () => {
  await server.stop();
  await jsr.close();
  await npm.close();
  await rm(home, { recursive: true, force: true });
});

/** What the registry of npm says about a package when Deno looks for a version. */
function packument(): string {
  const dist = {
    tarball: `${npm.url}${pathOf(shout)}`,
    integrity: integrityOf(packageArchive(shout)),
  };
  return JSON.stringify({
    name: shout.name,
    "dist-tags": { latest: shout.version },
    versions: { [shout.version]: { name: shout.name, version: shout.version, dist } },
  });
}

async function writeFunction(name: string, files: Record<string, string>): Promise<string> {
  const folder = join(home, name);
  await mkdir(folder);
  for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text);
  return folder;
}

/** Runs a file in a function's folder with the real Deno, which makes the lockfile as it does so. */
async function runDeno(folder: string, file: string): Promise<string> {
  const deno = join(root, "node_modules/@deno", `linux-${process.arch}-glibc`, "deno");
  const child = Bun.spawn([deno, "run", "--no-prompt", file], {
    cwd: folder,
    env: {
      HOME: home,
      DENO_DIR: join(home, "deno-dir"),
      DENO_NO_UPDATE_CHECK: "1",
      NO_COLOR: "1",
      JSR_URL: jsr.url,
      NPM_CONFIG_REGISTRY: npm.url,
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`deno run ended with ${code}:\n${stderr}`);
  return stdout.trim();
}

async function deploy(name: string, folder: string, to = server): Promise<RunResult> {
  const env = { REACTOR_URL: to.url, REACTOR_API_KEY: to.key };
  return reactor(["functions", "deploy", name, "--dir", folder, "--create", "--promote"], { env });
}

test("a Deno function takes its jsr: imports from the deno.lock that Deno makes, and answers as on Deno", async () => {
  const folder = await writeFunction("greeter", sources);
  const call = `import it from ${JSON.stringify(join(folder, "main.ts"))};\nconsole.log(await it.fetch().text());`;
  await writeFile(join(folder, "call.ts"), call);
  const onDeno = await runDeno(folder, "call.ts");
  expect(onDeno).toBe("HELLO/! ! !!");
  const lock: unknown = JSON.parse(await readFile(join(folder, "deno.lock"), "utf8"));
  expect(lock).toMatchObject({
    version: "5",
    specifiers: { "jsr:@deep/greet@1": "1.4.0", "jsr:@deep/mark@~0.2.1": "0.2.3" },
    jsr: jsrLockTable(packages),
  });
  await rm(join(folder, "call.ts"));

  const deployed = await deploy("greeter", folder);
  expect(deployed.stderr + deployed.stdout).toContain("ready");
  expect((await server.cli("invoke", "greeter")).stdout).toContain(onDeno);
  const { stdout: log } = await server.cli("logs", "greeter");
  expect(log).toMatch(/installed deno\.lock in \d+ ms: 1 packages: shout@1\.2\.3/);
  expect(log).toContain("2 packages of jsr: @deep/greet@1.4.0, @deep/mark@0.2.3");
});

function lockOf(specifiers: Readonly<Record<string, string>>): string {
  return JSON.stringify({ version: "5", specifiers, jsr: jsrLockTable(packages) });
}

const only = { ...sources, "main.ts": `import "jsr:@deep/mark@^0.2.0"; export default () => 1;` };
const failures: Readonly<Record<string, readonly [files: Record<string, string>, word: string]>> = {
  "no deno.lock": [only, '"jsr:@deep/mark@^0.2.0" is a package of jsr that is not in deno.lock'],
  "a deno.lock for another range": [
    { ...only, "deno.lock": lockOf({ "jsr:@deep/mark@~0.2.3": "0.2.3" }) },
    '"jsr:@deep/mark@^0.2.0" is a package of jsr that is not in deno.lock',
  ],
  "metadata that is not what the lock says": [
    {
      ...only,
      "deno.lock": lockOf({ "jsr:@deep/mark@0.2": "0.2.3" }).replaceAll(
        /"integrity":"[0-9a-f]{8}/g,
        '"integrity":"00000000',
      ),
    },
    "@deep/mark@0.2.3 of jsr has other metadata than the lockfile says (integrity mismatch",
  ],
  "another runtime": [
    { ...only, "reactor.json": JSON.stringify({ runtime: "bun" }) },
    "the function's runtime is bun",
  ],
};

test.each(Object.keys(failures))("%s is a failed deployment whose log says why", async (what) => {
  const [files, word] = failures[what] ?? [only, ""];
  const name = `fails-${Object.keys(failures).indexOf(what)}`;
  const deployed = await deploy(name, await writeFunction(name, files));
  expect(deployed.code).toBe(1);
  const { items } = await server.client.listDeployments(name);
  expect(items[0]?.status).toBe("failed");
  expect((await server.cli("logs", name)).stdout).toContain(word);
});

test("a server without a registry of jsr refuses them and names the setting", async () => {
  const other = await startServer({ runtimes: "all" });
  try {
    const lock = lockOf({ "jsr:@deep/mark@0.2": "0.2.3" });
    const folder = await writeFunction("nowhere", { ...only, "deno.lock": lock });
    const deployed = await deploy("nowhere", folder, other);
    expect(deployed.code).toBe(1);
    const { stdout: log } = await other.cli("logs", "nowhere");
    expect(log).toContain("@deep/mark@0.2.3 of jsr");
    expect(log).toContain("functions.jsr_registry");
  } finally {
    await other.stop();
  }
});
