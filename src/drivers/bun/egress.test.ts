import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Server } from "bun";
import type { LogLine } from "../../domain/invocation.ts";
import type { Driver, Instance } from "../driver.ts";
import { childrenOf } from "../process/process-tree.ts";
import { suiteManifest } from "../suite/suite-manifest.ts";
import { createTestDriver } from "./test-driver.harness.ts";

const signal = new AbortController().signal;

/** Fetches the URL that the request's body names and answers with what came, or why nothing did. */
const source = `export default { async fetch(request) {
  const { url, upload } = await request.json();
  try {
    const init = upload === undefined ? {} : { method: "POST", body: "u".repeat(upload) };
    const response = await fetch(url, init);
    return Response.json({ status: response.status, text: await response.text() });
  } catch (error) { return Response.json({ error: String(error.code ?? error) }); }
} };`;

interface Outcome {
  readonly status?: number;
  readonly text?: string;
  readonly error?: string;
}

async function startFetcher(driver: Driver, logs: LogLine[], allow?: readonly string[]) {
  const manifest = { ...suiteManifest({ runtime: "bun" }), egressAllow: allow };
  const files = new Map([["index.js", new TextEncoder().encode(source)]]);
  const artifact = await driver.prepare({ deploymentId: "dep_1", manifest, files }, signal);
  const names = {
    projectId: "prj_test",
    functionId: "fn_1",
    functionName: "fetcher",
    deploymentId: "dep_1",
    revision: 1,
  };
  const spec = { ...names, manifest, env: {}, secrets: {}, startTimeoutMs: 10_000 };
  return driver.start(artifact, { ...spec, onLog: (line) => logs.push(line) }, signal);
}

function call(instance: Instance, input: { url: string; upload?: number }): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const stream = instance.serve(
      {
        invocationId: "inv_1",
        requestId: "req-1",
        method: "POST",
        url: "http://function.example/",
        deadlineMs: 0,
        caller: "",
        headers: [],
      },
      Buffer.from(JSON.stringify(input)),
      true,
      {
        head() {},
        data(chunk) {
          chunks.push(Buffer.from(chunk));
          stream.consumed(chunk.length);
        },
        end: () => resolve(JSON.parse(Buffer.concat(chunks).toString())),
        failed: (failure) => reject(new Error(JSON.stringify(failure))),
        drained() {},
      },
    );
  });
}

const addresses: Readonly<Record<string, readonly string[]>> = {
  "open.test": ["127.0.0.1"],
  "other.test": ["127.0.0.1"],
  "private.test": ["10.1.2.3"],
  "rebinding.test": ["93.184.216.34", "127.0.0.1"],
  "server.test": ["127.0.0.1"],
};

/** Only the sandbox has no network of its own; without it nothing forces a function through the relay. */
const sandboxed = Bun.which("bwrap") !== null;

describe.if(sandboxed)("egress from the sandbox (needs bubblewrap)", () => {
  const inner = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("inner") });
  const server: Server<undefined> = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/redirect") return Response.redirect(`http://127.0.0.1:${inner.port}/`);
      if (pathname === "/big") return new Response("d".repeat(8 * 1024 * 1024));
      if (pathname === "/upload")
        return new Response(String((await request.arrayBuffer()).byteLength));
      return new Response("open door");
    },
  });
  const made = createTestDriver({
    blanksMax: 0,
    egress: {
      privateAllow: [
        `open.test:${server.port}`,
        `other.test:${server.port}`,
        `server.test:${inner.port}`,
      ],
      denied: () => [`127.0.0.1:${inner.port}`],
      resolve: async (host) => {
        const found = addresses[host];
        if (found === undefined) throw new Error(`no address for ${host}`);
        return found;
      },
    },
  });
  const logs: LogLine[] = [];
  let started: Promise<Instance> | undefined;
  const fetcher = (): Promise<Instance> => (started ??= startFetcher(made.driver, logs));
  const at = (host: string, path = "/", port = server.port): string =>
    `http://${host}:${port}${path}`;

  afterAll(async () => {
    await made.close();
    await server.stop(true);
    await inner.stop(true);
  });

  test("reaches a private host that the operator opened, by its name", async () => {
    const outcome = await call(await fetcher(), { url: at("open.test") });
    expect(outcome).toEqual({ status: 200, text: "open door" });
  });

  test("carries 8 MiB each way", async () => {
    const down = await call(await fetcher(), { url: at("open.test", "/big") });
    expect(down.text?.length).toBe(8 * 1024 * 1024);
    const upload = 8 * 1024 * 1024;
    const up = await call(await fetcher(), { url: at("open.test", "/upload"), upload });
    expect(up).toEqual({ status: 200, text: String(upload) });
  });

  test.each([
    ["loopback", () => at("127.0.0.1")],
    ["loopback in decimal", () => at("2130706433")],
    ["loopback, mapped", () => at("[::ffff:127.0.0.1]")],
    ["the metadata address", () => at("169.254.169.254", "/latest", 80)],
    ["a private address behind a name", () => at("private.test", "/", 80)],
    ["a name with a public and a private address", () => at("rebinding.test")],
    ["the port beside the one that was opened", () => at("open.test", "/", inner.port)],
    [
      "an address of the server, though its name was opened",
      () => at("server.test", "/", inner.port),
    ],
  ])("denies %s and logs it", async (_what, url) => {
    logs.length = 0;
    const outcome = await call(await fetcher(), { url: url() });
    expect(outcome).toEqual({ error: "egress_denied" });
    const line = logs.find((entry) => entry.source === "platform");
    expect(line?.message).toMatch(/^Egress to ".+" is denied: .+/);
    expect(line?.level).toBe("warn");
  });

  test("checks the target of a redirect like any other", async () => {
    logs.length = 0;
    const outcome = await call(await fetcher(), { url: at("open.test", "/redirect") });
    expect(outcome).toEqual({ error: "egress_denied" });
    expect(logs.map((line) => line.message).join()).toContain("denied");
  });

  test("a name without an address fails and is no denial", async () => {
    logs.length = 0;
    const outcome = await call(await fetcher(), { url: at("nowhere.test") });
    expect(outcome).toEqual({ error: "egress_unreachable" });
    expect(logs.filter((line) => line.message.includes("denied"))).toEqual([]);
  });

  test("a manifest's list narrows what is open", async () => {
    const narrowed: LogLine[] = [];
    const instance = await startFetcher(made.driver, narrowed, [`other.test:${server.port}`]);
    expect((await call(instance, { url: at("other.test") })).text).toBe("open door");
    expect((await call(instance, { url: at("open.test") })).status).not.toBe(200);
    expect(narrowed.map((line) => line.message).join()).toContain("egress.allow does not name it");
    await instance.stop({ graceMs: 0 });
  });

  test("a list with an entry that is no host is refused at start, and nothing is left", async () => {
    const before = childrenOf(process.pid).length;
    const outcome = await startFetcher(made.driver, [], ["http://nonsense"]).catch(
      (e: unknown) => e,
    );
    expect(String(outcome)).toContain("must be host, host:port or *.suffix");
    expect(childrenOf(process.pid).length).toBe(before);
  });

  test("a manifest's list opens no private address", async () => {
    const narrowed: LogLine[] = [];
    const instance = await startFetcher(made.driver, narrowed, ["127.0.0.1", "private.test"]);
    expect((await call(instance, { url: at("127.0.0.1") })).status).not.toBe(200);
    expect(narrowed.map((line) => line.message).join()).toContain("a loopback address");
    await instance.stop({ graceMs: 0 });
  });
});

const namespace = `rx${process.pid}`;
/** A network of its own for each run: several may go on at once on one machine. */
const network = `203.0.113.${4 * (process.pid % 64)}`;
const [near, far] = [1, 2].map((host) =>
  network.replace(/\d+$/, (last) => String(Number(last) + host)),
);

function ip(...args: string[]): boolean {
  return Bun.spawnSync(["ip", ...args]).exitCode === 0;
}

/** Adds the namespace and makes `far` an address within it, which is public as far as the deny list knows. */
function openNetwork(): boolean {
  return (
    ip("netns", "add", namespace) &&
    ip("link", "add", `${namespace}h`, "type", "veth", "peer", "name", `${namespace}g`) &&
    ip("link", "set", `${namespace}g`, "netns", namespace) &&
    ip("addr", "add", `${near}/30`, "dev", `${namespace}h`) &&
    ip("link", "set", `${namespace}h`, "up") &&
    ip("-n", namespace, "addr", "add", `${far}/30`, "dev", `${namespace}g`) &&
    ip("-n", namespace, "link", "set", `${namespace}g`, "up")
  );
}

/** What a filter of tests skips has no end in which to close anything, so nothing stays open here. */
function canOpenNetwork(): boolean {
  if (process.getuid?.() !== 0 || Bun.which("ip") === null) return false;
  const can = openNetwork();
  ip("netns", "delete", namespace);
  return can;
}

describe.if(sandboxed && canOpenNetwork())(
  "egress to a public address (needs bubblewrap, root and ip netns)",
  () => {
    beforeAll(() => void openNetwork());
    afterAll(() => void ip("netns", "delete", namespace));

    test("fetch reaches it from the sandbox", async () => {
      const serve = `Bun.serve({ hostname: "${far}", port: 8080, fetch: () => new Response("public") }); console.log("up")`;
      const outside = Bun.spawn(["ip", "netns", "exec", namespace, process.execPath, "-e", serve], {
        stdout: "pipe",
        stderr: "inherit",
      });
      const tested = createTestDriver({ blanksMax: 0 });
      try {
        await outside.stdout.getReader().read();
        const instance = await startFetcher(tested.driver, []);
        const outcome = await call(instance, { url: `http://${far}:8080/` });
        expect(outcome).toEqual({ status: 200, text: "public" });
      } finally {
        await tested.close();
        outside.kill("SIGKILL");
        await outside.exited;
      }
    });
  },
);
