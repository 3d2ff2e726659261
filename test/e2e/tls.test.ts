import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testIdentities } from "../../src/http/test-identities.harness.ts";
import { reactor, root } from "./reactor.ts";

const [identity, other] = testIdentities;
const engines = ["bun", "node"] as const;

let folder: string;
let cert: string;
let key: string;
let server: Bun.Subprocess<"ignore", "pipe", "pipe">;
let url: string;
let output = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reactor-e2e-tls-"));
  cert = join(folder, "cert.pem");
  key = join(folder, "key.pem");
  await writeFile(cert, identity.cert);
  await writeFile(key, identity.key);
  server = Bun.spawn([join(root, "bin/reactor"), "serve", "--listen", "127.0.0.1:0", ...files()], {
    cwd: root,
    env: environment(),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  for await (const chunk of server.stdout) {
    output += new TextDecoder().decode(chunk);
    url = /ready at (https:\/\/127\.0\.0\.1:\d+)/.exec(output)?.[1] ?? "";
    if (url !== "") break;
  }
});

afterAll(async () => {
  server.kill("SIGTERM");
  await server.exited;
  await rm(folder, { recursive: true, force: true });
});

function environment(): Record<string, string> {
  const engine = process.env["REACTOR_ENGINE"];
  const path = process.env["PATH"] ?? "/usr/bin:/bin";
  return { PATH: path, HOME: "/root", ...(engine === undefined ? {} : { REACTOR_ENGINE: engine }) };
}

function files(): string[] {
  return ["--data-dir", join(folder, "data"), "--tls-cert", cert, "--tls-key", key];
}

describe("a server with a certificate", () => {
  test("prints an https URL and answers there only in TLS", async () => {
    expect(url).toStartWith("https://127.0.0.1:");
    const response = await fetch(`${url}/fn/v1/health`, { tls: { ca: identity.cert } });
    expect(await response.json()).toMatchObject({ status: "ok" });
    const plain = await fetch(`${url.replace("https:", "http:")}/fn/v1/health`).then(
      () => "answered",
      () => "no answer",
    );
    expect(plain).toBe("no answer");
  });

  test("is reached by the CLI on both engines when the certificate is given, and not otherwise", async () => {
    const apiKey = (await readFile(join(folder, "data/admin.key"), "utf8")).trim();
    for (const engine of engines) {
      const env = { REACTOR_ENGINE: engine, REACTOR_URL: url, REACTOR_API_KEY: apiKey };
      const given = await reactor(["functions", "list"], {
        env: { ...env, NODE_EXTRA_CA_CERTS: cert },
      });
      expect([given.code, given.stderr]).toEqual([0, expect.not.stringContaining("error")]);
      const unknown = await reactor(["functions", "list"], { env });
      expect(unknown.code).not.toBe(0);
      expect(unknown.stderr).toContain("its certificate is not trusted");
    }
  });

  test("does not start with files that do not belong together, and names them", async () => {
    const wrong = join(folder, "wrong.pem");
    await writeFile(wrong, other.key);
    const listen = ["--listen", "127.0.0.1:0", "--data-dir", join(folder, "other")];
    const run = await reactor(["serve", ...listen, "--tls-cert", cert, "--tls-key", wrong]);
    expect(run.code).not.toBe(0);
    expect(run.stderr).toContain(`tls.key ${wrong} is not the key of the certificate`);
  });
});
