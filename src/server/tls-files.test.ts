import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createVirtualClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import { testIdentities } from "../http/test-identities.harness.ts";
import type { TlsIdentity } from "../http/tls-identity.ts";
import { readTlsFiles, type TlsFiles, watchTlsFiles } from "./tls-files.ts";

const [first, second] = testIdentities;
let folder: string;
let files: TlsFiles;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "reactor-tls-"));
  files = { cert: path.join(folder, "cert.pem"), key: path.join(folder, "key.pem") };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(cert: string, key: string): Promise<void> {
  await writeFile(files.cert, cert);
  await writeFile(files.key, key);
}

function failure(): Promise<string> {
  return readTlsFiles(files).then(
    () => "read",
    (error: unknown) => String(error),
  );
}

describe("TLS files", () => {
  test("that belong together are read", async () => {
    await write(first.cert, first.key);
    expect(await readTlsFiles(files)).toEqual(first);
  });

  test("that cannot be used are refused by name", async () => {
    expect(await failure()).toContain(`tls.cert ${files.cert} cannot be read`);
    await write("nonsense", first.key);
    expect(await failure()).toContain(`tls.cert ${files.cert} is not a certificate in PEM`);
    await write(first.cert, "nonsense");
    expect(await failure()).toContain(`tls.key ${files.key} is not a private key`);
    await write(first.cert, second.key);
    expect(await failure()).toContain(`tls.key ${files.key} is not the key of the certificate`);
  });

  test("are used again when they are renewed, not while they are half written", async () => {
    await write(first.cert, first.key);
    const clock = createVirtualClock();
    const used: TlsIdentity[] = [];
    const looks: string[] = [];
    const look = (message: string): void => void looks.push(message);
    const log = { ...silentLog, warn: look, info: look };
    const use = (identity: TlsIdentity): void => void used.push(identity);
    const watch = watchTlsFiles({ files, current: first, use, clock, log });
    await writeFile(files.cert, second.cert);
    await clock.advance(30_000);
    while (looks.length < 1) await new Promise<void>((resolve) => setImmediate(resolve));
    expect(used).toEqual([]);
    await writeFile(files.key, second.key);
    await clock.advance(30_000);
    while (looks.length < 2) await new Promise<void>((resolve) => setImmediate(resolve));
    expect(used).toEqual([second]);
    watch.cancel();
  });
});
