import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GuestHarness, type HarnessRequest } from "../guest/guest.harness.ts";
import { buildNodeGuest } from "./build-guest.ts";
import { nodeBinaries } from "./test-driver.harness.ts";

/** What the Node guest does by itself; what it shares with Bun's is tested there and by the driver suite. */
const code = `
import process, { stdout } from "node:process";
import { write, writeSync, readdirSync, readFileSync } from "node:fs";
import fs from "node:fs/promises";
import { Console } from "node:console";
import { createRequire } from "node:module";
import inspector from "node:inspector";
import { pipeline } from "node:stream/promises";
import { Readable } from "node:stream";
import { tmpdir } from "node:os";
const require = createRequire("/");
const seen = async (request) => ({ method: request.method, type: request.headers.get("content-type"), both: request.headers.get("x-both"), text: await request.text() });
const aborted = (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve(signal.reason.name)));
let release;
const cases = {
  clone: async (request) => { const copy = request.clone(); return [await seen(copy), await seen(request)]; },
  construct: async (request) => { const copy = new Request(request); return [await seen(copy), request.bodyUsed]; },
  override: async (request) => seen(new Request(request, { headers: { "x-both": "mine" } })),
  asInit: async (request) => seen(new Request("http://other/", request)),
  subclass: async (request) => { class Mine extends Request { extra = 1; } const mine = new Mine(request); return [mine instanceof Mine, mine.extra, await seen(mine)]; },
  kinds: async (request) => [request instanceof Request, request.constructor === Request, new Request("http://x/").constructor === Request, Request.name, fetch.name, Object.keys(request)],
  signals: async (request) => { const own = new AbortController(); const copy = new Request(request, { signal: own.signal }); own.abort(); return [copy.signal.aborted, request.signal.aborted]; },
  fetched: async (request) => (await fetch(request)).json(),
  overridden: async (request) => (await fetch(request, { method: "PUT", headers: { "x-both": "mine" }, body: "mine" })).json(),
  pass: (request) => fetch(request.url),
  passAgain: async (request) => { const response = await fetch(request.url); return new Response(response.body, response); },
  passClone: async (request) => (await fetch(request.url)).clone(),
  headers: async (request) => { const { headers, ok, url } = await fetch(request.url); return [headers.get("content-encoding"), headers.get("x-kept"), ok, url.endsWith("/gzip")]; },
  written: async () => {
    writeSync(1, "fs sync\\n");
    writeSync(2, Buffer.from("xfs bytesx"), 1, 8);
    require("fs").writeSync(2, "required\\n");
    await new Promise((resolve) => write(1, "fs async\\n", resolve));
    new Console(process.stdout, process.stderr).log("own console");
    stdout.write("named\\n");
    process["std" + "out"].write("computed\\n");
    process.stdout.write(Buffer.from("grün\\n").toString("hex"), "hex");
    await pipeline(Readable.from(["ended\\n"]), process.stderr);
    process.stderr.write("after the end\\n");
    console.table([{ id: 1 }], ["id"]);
    return [process.stdout.fd, process.stderr.fd, stdout === process.stdout, Object.keys(process).includes("stdout")];
  },
  files: async () => [readdirSync(tmpdir()).filter((name) => name.startsWith("function-")), import.meta.url.startsWith("file:///")],
  json: async () => Response.json([1], { status: 201 }),
  neighbour: async () => { await new Promise((resolve) => { release = resolve; }); return "unharmed"; },
  forgets: async () => { await null; void Promise.reject(new Error("forgotten")); return new Promise(() => {}); },
  forgetsLate: async () => { setTimeout(() => { release?.(); void Promise.reject(new Error("forgotten later")); }, 1); return "answered"; },
  typed: async () => Response.json([1], { headers: { "content-type": "application/hal+json" } }),
  signalled: async () => {
    process.kill(process.pid, "SIGUSR1");
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.removeAllListeners("SIGUSR1");
    const listening = readFileSync("/proc/self/net/tcp", "utf8").split("\\n").filter((line) => line.split(/ +/)[2]?.endsWith(":240D"));
    return [inspector.url() ?? null, listening.length];
  },
};
export default {
  async fetch(request, ctx) {
    const name = request.url.split("/").at(-1).replace("gzip?", "");
    if (name === "hang") return new Promise(() => { fetch(request).catch((error) => console.log("gave up: " + error.name)); });
    const answer = await cases[name](request, ctx);
    return answer instanceof Response ? answer : Response.json(answer);
  },
};`;

const whole = { method: "POST", type: "text/css", both: "1, 2", text: "body" };
const headers = ["content-type", "text/css", "X-Both", "1", "x-both", "2"];

describe.each(nodeBinaries.map(({ name, runtimeBinary }) => [name, runtimeBinary]))(
  "the guest of %s",
  (_name, binary = "") => {
    const testGuest = { fileName: "guest.cjs", build: buildNodeGuest, binary };
    const folder = mkdtempSync(join(tmpdir(), "rx-"));
    const options = { guest: testGuest, env: { TMPDIR: folder } };
    let guest: GuestHarness;
    let hanging = Promise.withResolvers<void>();
    let left = Promise.withResolvers<void>();
    const peer = Bun.serve({
      port: 0,
      async fetch(request) {
        const { pathname } = new URL(request.url);
        if (pathname === "/hang") {
          request.signal.addEventListener("abort", () => left.resolve());
          hanging.resolve();
          return new Promise<Response>(() => {});
        }
        if (pathname === "/gzip") {
          const encoded = { "content-encoding": "gzip", "x-kept": "yes" };
          return new Response(Bun.gzipSync("packed".repeat(100)), { headers: encoded });
        }
        const { method } = request;
        const both = request.headers.get("x-both");
        return Response.json({ method, both, text: await request.text() });
      },
    });

    beforeAll(async () => {
      guest = await GuestHarness.start(code, options);
    });
    afterAll(async () => {
      await guest.stop();
      await peer.stop(true);
      rmSync(folder, { recursive: true, force: true });
    });

    async function ask(name: string, request: HarnessRequest = {}): Promise<unknown> {
      const url = `http://localhost/${name}`;
      const text = await guest.text({ url, headers, body: "body", ...request });
      const answer: unknown = JSON.parse(text);
      return answer;
    }

    const elsewhere = (name: string): HarnessRequest => ({
      url: `http://localhost:${peer.port}/${name}`,
    });

    test("copies of a request that nothing of was read have everything", async () => {
      expect(await ask("clone")).toEqual([whole, whole]);
      expect(await ask("construct")).toEqual([whole, true]);
      expect(await ask("override")).toEqual({ ...whole, type: null, both: "mine" });
      expect(await ask("asInit")).toEqual(whole);
      expect(await ask("subclass")).toEqual([true, 1, whole]);
      expect(await ask("kinds")).toEqual([true, true, true, "Request", "fetch", []]);
      expect(await ask("signals")).toEqual([true, false]);
    });

    test("fetch() sends all of the handed request, or what the init says instead", async () => {
      const sent = { method: "POST", both: "1, 2", text: "body" };
      expect(await ask("fetched", elsewhere("fetched"))).toEqual(sent);
      const mine = { method: "PUT", both: "mine", text: "mine" };
      expect(await ask("overridden", elsewhere("overridden"))).toEqual(mine);
    });

    test("a fetch of the handed request ends when the client leaves", async () => {
      hanging = Promise.withResolvers<void>();
      left = Promise.withResolvers<void>();
      const exchange = guest.request({ ...elsewhere("hang"), headers });
      await hanging.promise;
      exchange.stream.cancel("client disconnected");
      await left.promise;
      expect(await exchange.outcome).toMatchObject({ kind: "cancelled" });
    });

    test.each(["pass", "passAgain", "passClone"])(
      "a compressed response that is passed on (%s) is decoded and says so",
      async (name) => {
        const exchange = guest.request(elsewhere(`gzip?${name}`));
        expect(await exchange.text()).toBe("packed".repeat(100));
        expect(await exchange.header("content-encoding")).toBeUndefined();
        expect(await exchange.header("content-length")).toBeUndefined();
        expect(await exchange.header("x-kept")).toBe("yes");
      },
    );

    test("the rest of a fetched response stays as it is", async () => {
      expect(await ask("headers", { ...elsewhere("gzip?headers") })).toEqual([
        null,
        "yes",
        true,
        false,
      ]);
    });

    test("Response.json() names its type unless the author does", async () => {
      const type = async (name: string): Promise<string | undefined> =>
        guest.request({ url: `http://localhost/${name}` }).header("content-type");
      expect(await type("json")).toBe("application/json");
      expect(await type("typed")).toBe("application/hal+json");
    });

    test("whatever writes to the descriptors is logged under its request", async () => {
      const exchange = guest.request({ url: "http://localhost/written" });
      expect(await exchange.text()).toBe("[1,2,true,true]");
      expect(exchange.lines.map(({ source, text }) => `${source} ${text}`)).toEqual([
        "stdout fs sync",
        "stderr fs bytesrequired",
        "stdout fs async",
        "stdout own console",
        "stdout named",
        "stdout computed",
        "stdout grün",
        "stderr ended",
        "stderr after the end",
        "log ┌─────────┬────┐",
        "log │ (index) │ id │",
        "log ├─────────┼────┤",
        "log │ 0       │ 1  │",
        "log └─────────┴────┘",
      ]);
    });

    test("a rejection that nobody handles fails its own request, or is a line of its log", async () => {
      const neighbour = guest.request({ url: "http://localhost/neighbour" });
      const forgets = guest.request({ url: "http://localhost/forgets" });
      expect(await forgets.outcome).toMatchObject({ kind: "threw", message: "forgotten" });
      const late = guest.request({ url: "http://localhost/forgetsLate", requestId: "late" });
      expect(await late.text()).toBe('"answered"');
      expect(await neighbour.text()).toBe('"unharmed"');
      const isLate = ({ requestId }: { requestId?: string }): boolean => requestId === "late";
      while (!guest.lines.some(isLate)) await guest.ping();
      expect(guest.lines.find(isLate)?.text).toContain("forgotten later");
    });

    test("the file that the module was imported from is gone", async () => {
      expect(await ask("files")).toEqual([[], true]);
    });

    test("SIGUSR1 opens no inspector", async () => {
      expect(await ask("signalled")).toEqual([null, 0]);
    });

    test("an import that a module of Node does not have fails with the reason and the place", async () => {
      await using failing = await GuestHarness.spawn(options);
      failing.configure(
        `const a = 1;\nimport { nothing } from "node:fs";\nexport default nothing;`,
      );
      const failure = await failing.failure.promise;
      expect(failure.message).toContain("does not provide an export named 'nothing'");
      expect(failure.stack).toStartWith("code/index.ts:2\n");
    });
  },
);
