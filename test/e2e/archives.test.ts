import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClientError } from "../../src/client/client-error.ts";
import type { HostileArchive } from "../../src/control/archive/hostile-archive.harness.ts";
import { hostileArchives } from "../../src/control/archive/hostile-archives.harness.ts";
import { zeroBomb } from "../../src/control/archive/zero-bomb.harness.ts";
import { startServer, type TestServer, until } from "./reactor.ts";

const mebibyte = 1_048_576;

let server: TestServer;
let temporary: string;

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), "reactor-e2e-tmp-"));
  server = await startServer({ env: { TMPDIR: temporary } });
  await server.deploy("victim", answering("one"));
});

afterAll(async () => {
  await server.stop();
  await rm(temporary, { recursive: true, force: true });
});

function answering(text: string): string {
  return `export default { fetch: () => new Response(${JSON.stringify(text)}) };`;
}

function uploadBody(upload: ReturnType<HostileArchive["upload"]>): {
  readonly body: Uint8Array<ArrayBuffer> | string;
  readonly type: string;
} {
  if (upload.kind === "archive") {
    return { body: new Uint8Array(upload.bytes), type: "application/octet-stream" };
  }
  const files = [...upload.files].map(([path, content]) => [
    path,
    { base64: Buffer.from(content).toString("base64") },
  ]);
  return { body: JSON.stringify({ files: Object.fromEntries(files) }), type: "application/json" };
}

interface Refused {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

async function post(upload: ReturnType<HostileArchive["upload"]>): Promise<Refused> {
  const { body, type } = uploadBody(upload);
  const response = await server.fetch("/api/v1/functions/victim/deployments", {
    method: "POST",
    body,
    headers: { authorization: `Bearer ${server.key}`, "content-type": type },
  });
  const answer = (await response.json()) as { error?: { code: string; message: string } };
  const { code = "none", message = "" } = answer.error ?? {};
  return { status: response.status, code, message };
}

/** Every file that an upload could leave: stored bundles, their temporary ones, the temp folder. */
async function filesOnDisk(): Promise<readonly string[]> {
  const bundles = join(server.dataDir, "functions", "bundles");
  const found = await Promise.all(
    [bundles, temporary].map((folder) => readdir(folder, { recursive: true })),
  );
  return found.flat().toSorted();
}

async function storedBlobs(): Promise<readonly string[]> {
  return (await filesOnDisk()).filter((path) => /[0-9a-f]{64}$/.test(path));
}

/** Peak of the server's resident memory since the last reset, in bytes. */
async function peakBytes(): Promise<number> {
  const status = await readFile(`/proc/${server.pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

async function resetPeak(): Promise<void> {
  await writeFile(`/proc/${server.pid}/clear_refs`, "5");
}

async function revisions(): Promise<readonly number[]> {
  const page = await server.client.listDeployments("victim");
  return page.items.map(({ revision }) => revision);
}

const bombs = { "tar.gz": "100 times its 10", zip: "262144000 bytes" } as const;

// First, while the server's memory has not grown yet from anything else.
for (const kind of ["tar.gz", "zip"] as const) {
  test(`a ${kind} of 1 GiB is refused within 64 MiB of memory and leaves nothing`, async () => {
    const bytes = zeroBomb(kind, 1024 * mebibyte);
    const before = await filesOnDisk();
    await resetPeak();
    const startBytes = await peakBytes();
    const startMs = performance.now();
    const refused = await post({ kind: "archive", bytes });
    const tookMs = performance.now() - startMs;
    const grownBytes = (await peakBytes()) - startBytes;
    console.log(
      `1 GiB ${kind} of ${bytes.length} bytes: refused after ${tookMs.toFixed(0)} ms, memory +${(grownBytes / mebibyte).toFixed(1)} MiB`,
    );
    expect(refused).toMatchObject({ status: 413, code: "bundle_too_large" });
    expect(refused.message).toContain(bombs[kind]);
    expect(refused.message).toContain('reached at "zeros.bin"');
    expect(grownBytes).toBeLessThan(64 * mebibyte);
    expect(await filesOnDisk()).toEqual(before);
  });
}

test("every upload of the hostile corpus is refused by name, and nothing of it is kept", async () => {
  const before = { files: await filesOnDisk(), revisions: await revisions() };
  const wrong: unknown[] = [];
  for (const { what, upload, code, word } of hostileArchives) {
    const refused = await post(upload());
    const status = code === "bundle_invalid" ? 400 : 413;
    const right = refused.status === status && refused.code === code;
    // An upload of no bytes at all is refused before it is looked at.
    if (!right || !refused.message.includes(word)) wrong.push({ what, word, refused });
  }
  expect(wrong).toEqual([]);
  expect(hostileArchives.length).toBeGreaterThan(300);
  expect({ files: await filesOnDisk(), revisions: await revisions() }).toEqual(before);
  expect(await (await server.fetch("/fn/v1/victim")).text()).toBe("one");
}, 60_000);

/** Paths of the blobs that `work` stored. */
async function blobsOf(work: () => Promise<unknown>): Promise<readonly string[]> {
  const before = new Set(await storedBlobs());
  await work();
  const added = (await storedBlobs()).filter((path) => !before.has(path));
  expect(added.length).toBeGreaterThan(0);
  return added.map((path) => join(server.dataDir, "functions", "bundles", path));
}

/** Flips one bit of each file and returns how to put them right again. */
async function flip(paths: readonly string[]): Promise<() => Promise<void>> {
  const sound = await Promise.all(paths.map((path) => readFile(path)));
  for (const [index, path] of paths.entries()) {
    const flipped = Buffer.from(sound[index] ?? "");
    flipped[flipped.length >> 1] = (flipped[flipped.length >> 1] ?? 0) ^ 1;
    await writeFile(path, flipped);
  }
  return async () => {
    for (const [index, path] of paths.entries()) await writeFile(path, sound[index] ?? "");
  };
}

/** Takes the files away and returns how to put them back. */
async function takeAway(paths: readonly string[]): Promise<() => Promise<void>> {
  const sound = await Promise.all(paths.map((path) => readFile(path)));
  for (const path of paths) await rm(path);
  return async () => {
    for (const [index, path] of paths.entries()) await writeFile(path, sound[index] ?? "");
  };
}

const harms = [
  ["flipped", "damaged", flip],
  ["missing", "missing", takeAway],
] as const;

async function refusalOf(work: Promise<unknown>): Promise<ClientError> {
  const outcome = await work.catch((error: unknown) => error);
  if (outcome instanceof ClientError) return outcome;
  throw new Error(`expected a refusal, got ${String(outcome)}`);
}

function filesOf(text: string): Map<string, Uint8Array> {
  return new Map([
    ["index.ts", Buffer.from(answering(text))],
    ["reactor.json", Buffer.from(JSON.stringify({ access: "public" }))],
  ]);
}

describe.each(harms)("a bundle that is %s", (name, state, harm) => {
  test("is not promoted by any way, and the previous version goes on serving", async () => {
    await server.deploy(name, answering("v1"));
    const restore = await harm(
      await blobsOf(() => server.client.deploy(name, { files: filesOf(`v2 ${name}`) })),
    );
    const newest = (await server.client.listDeployments(name)).items[0];
    const refusals = [
      await refusalOf(server.client.promote(name, newest?.id)),
      await refusalOf(server.client.setAlias(name, "production", [{ revision: 2, weight: 100 }])),
      await refusalOf(server.client.rollback(name, newest?.id)),
    ];
    for (const refused of refusals) {
      expect(refused.code).toBe("conflict");
      expect(refused.message).toContain(
        `its stored bundle is ${state}; deploy the same files again`,
      );
    }
    expect(await (await server.fetch(`/fn/v1/${name}`)).text()).toBe("v1");
    await restore();
    await server.client.promote(name, newest?.id);
    expect(await (await server.fetch(`/fn/v1/${name}`)).text()).toBe(`v2 ${name}`);
  });

  test("under the live version: a warm instance serves, a cold one says what to do, the sound file heals it", async () => {
    const live = `live-${name}`;
    const source = `export default { fetch: (request) =>
      request.url.endsWith("/die") ? process.exit(1) : new Response("${live}") };`;
    const files = new Map([...filesOf(""), ["index.ts", Buffer.from(source)]]);
    const blobs = await blobsOf(async () => {
      const { id } = await server.client.deploy(live, { files, createFunction: true });
      await server.client.promote(live, id);
    });
    const restore = await harm(blobs);
    // A deploy that promotes leaves an instance; promoting by itself starts nothing, and the first call is cold.
    const cold = await server.fetch(`/fn/v1/${live}`);
    expect(cold.status).toBe(503);
    const { error } = (await cold.json()) as { error: { code: string; message: string } };
    expect(error.code).toBe("cold_start_failed");
    expect(error.message).toContain(state);
    expect(error.message).toMatch(/deploy the (?:same files|function) again/);
    await restore();
    await until("the sound file is loaded", async () => {
      const response = await server.fetch(`/fn/v1/${live}`);
      return (await response.text()) === live;
    });
    const restoreAgain = await harm(blobs);
    for (let call = 0; call < 5; call++) {
      expect(await (await server.fetch(`/fn/v1/${live}`)).text()).toBe(live);
    }
    expect((await server.fetch(`/fn/v1/${live}/die`)).status).toBe(500);
    await until("the next start is refused", async () => {
      const response = await server.fetch(`/fn/v1/${live}`);
      return response.status === 503 && (await response.text()).includes(state);
    });
    await restoreAgain();
    await until(
      "it serves again",
      async () => (await server.fetch(`/fn/v1/${live}`)).status === 200,
    );
  });
});
