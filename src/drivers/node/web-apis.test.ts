import { expect, test } from "bun:test";
import { suiteManifest } from "../suite/suite-manifest.ts";
import { createTestDriver, nodeBinaries } from "./test-driver.harness.ts";

/** Uses each Web API once and gives what it made of it, as JSON; `fetch` is for the egress tests. */
const probe = `async () => {
  const text = async (stream) => new Response(stream).text();
  const bytes = new TextEncoder().encode("reactor");
  const hex = (buffer) => Buffer.from(buffer).toString("hex");
  const channel = new MessageChannel();
  const heard = new Promise((resolve) => { channel.port2.onmessage = (event) => resolve(event.data); });
  channel.port1.postMessage({ sent: new Date(0) });
  const message = await heard;
  channel.port1.close();
  const target = new EventTarget();
  let event = "";
  target.addEventListener("ping", (e) => { event = e.type; });
  target.dispatchEvent(new Event("ping"));
  const timed = await new Promise((resolve) => setTimeout(resolve, 1, "timed"));
  const aborted = AbortSignal.abort(new Error("why"));
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt", "decrypt"]);
  const iv = new Uint8Array(12);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, bytes);
  const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed);
  const form = new FormData();
  form.append("file", new Blob(["x"], { type: "text/css" }), "a.css");
  const parsed = await new Response(form).formData();
  const wasm = await WebAssembly.instantiate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 2, 127, 127, 1, 127, 3, 2, 1, 0, 7, 7, 1, 3, 97, 100, 100, 0, 0, 10, 9, 1, 7, 0, 32, 0, 32, 1, 106, 11]));
  const pieces = [];
  for await (const piece of new Blob(["a", "b"]).stream().pipeThrough(new TextDecoderStream())) pieces.push(piece);
  const kinds = ["AbortController", "AbortSignal", "Blob", "BroadcastChannel", "ByteLengthQueuingStrategy", "CompressionStream", "CountQueuingStrategy", "Crypto", "CryptoKey", "CustomEvent", "DOMException", "DecompressionStream", "Event", "EventTarget", "File", "FormData", "Headers", "MessageChannel", "MessageEvent", "MessagePort", "Performance", "ReadableStream", "Request", "Response", "SubtleCrypto", "TextDecoder", "TextDecoderStream", "TextEncoder", "TextEncoderStream", "TransformStream", "URL", "URLSearchParams", "WebAssembly", "WebSocket", "WritableStream", "atob", "btoa", "clearInterval", "clearTimeout", "console", "crypto", "fetch", "performance", "queueMicrotask", "setInterval", "setTimeout", "structuredClone"];
  return {
    kinds: Object.fromEntries(kinds.map((name) => [name, typeof globalThis[name]])),
    base64: [btoa("reactor"), atob("cmVhY3Rvcg==")],
    url: [new URL("/a?b=c#d", "http://x.test").href, [...new URLSearchParams("a=1&a=2")], URL.canParse("nope")],
    digest: hex(await crypto.subtle.digest("SHA-256", bytes)),
    random: [crypto.randomUUID().length, crypto.getRandomValues(new Uint8Array(4)).length],
    sealed: hex(opened),
    clone: [structuredClone({ a: new Map([[1, new Date(0)]]) }).a.get(1).getTime(), message.sent.getTime()],
    text: [new TextDecoder("utf-16le").decode(new Uint8Array([65, 0])), hex(new TextEncoder().encode("ü"))],
    gzip: await text(new Blob(["packed"]).stream().pipeThrough(new CompressionStream("gzip")).pipeThrough(new DecompressionStream("gzip"))),
    pieces: pieces.join(""),
    form: [parsed.get("file").name, parsed.get("file").type, await parsed.get("file").text()],
    headers: [...new Headers([["set-cookie", "a=1"], ["Set-Cookie", "b=2"], ["x", " y "]])],
    cookies: new Response(null, { headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"]] }).headers.getSetCookie(),
    request: await new Request("http://x.test/", { method: "POST", body: new URLSearchParams({ a: "1" }) }).text(),
    response: [Response.redirect("http://x.test/", 307).status, await Response.json({ a: 1 }).json(), Response.error().type],
    events: [event, timed, aborted.reason.message],
    intl: [new Intl.NumberFormat("de-DE").format(1234.5), new Date(0).toLocaleString("en-US", { timeZone: "Asia/Tokyo" })],
    wasm: wasm.instance.exports.add(40, 2),
    performance: [typeof performance.now(), typeof performance.timeOrigin],
    microtask: await new Promise((resolve) => queueMicrotask(() => resolve("ran"))),
  };
}`;

async function inside(runtimeBinary: string): Promise<unknown> {
  const made = createTestDriver({ runtimeBinary, blanksMax: 0 });
  try {
    const manifest = suiteManifest({ runtime: "node" });
    const source = `const probe = ${probe};\nexport default { fetch: async () => Response.json(await probe()) };`;
    const files = new Map([["index.js", Buffer.from(source)]]);
    const { signal } = new AbortController();
    const artifact = await made.driver.prepare({ deploymentId: "dep_1", manifest, files }, signal);
    const names = {
      projectId: "prj_test",
      functionId: "fn_1",
      functionName: "probe",
      deploymentId: "dep_1",
      revision: 1,
    };
    const spec = { ...names, manifest, env: {}, secrets: {}, startTimeoutMs: 10_000, onLog() {} };
    const instance = await made.driver.start(artifact, spec, signal);
    const text = await new Promise<string>((resolve, reject) => {
      let body = "";
      const head = { invocationId: "i", requestId: "r", method: "GET", url: "http://x/" };
      const request = { ...head, deadlineMs: 0, caller: "", headers: [] };
      const stream = instance.serve(request, undefined, true, {
        head() {},
        data(chunk) {
          body += chunk.toString();
          stream.consumed(chunk.length);
        },
        end: () => resolve(body),
        failed: (failure) => reject(new Error(JSON.stringify(failure))),
        drained() {},
      });
    });
    return JSON.parse(text);
  } finally {
    await made.close();
  }
}

async function outside(runtimeBinary: string): Promise<unknown> {
  const program = `(${probe})().then((facts) => console.log(JSON.stringify(facts)))`;
  const child = Bun.spawn([runtimeBinary, "-e", program], { stdout: "pipe", stderr: "inherit" });
  const text = await new Response(child.stdout).text();
  expect(await child.exited).toBe(0);
  return JSON.parse(text);
}

test.each(nodeBinaries.map(({ name, runtimeBinary }) => [name, runtimeBinary]))(
  "Web APIs of %s give the same inside a function as outside",
  async (_name, runtimeBinary = "") => {
    const [within, without] = await Promise.all([inside(runtimeBinary), outside(runtimeBinary)]);
    expect(within).toEqual(without);
    expect(within).toMatchObject({
      wasm: 42,
      gzip: "packed",
      form: ["a.css", "text/css", "x"],
      kinds: { fetch: "function", Request: "function", WebAssembly: "object" },
    });
  },
);
