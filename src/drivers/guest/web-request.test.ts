import { afterAll, beforeAll, expect, test } from "bun:test";
import { frameType } from "../../wire/frames.ts";
import { GuestHarness, type HarnessRequest } from "./guest.harness.ts";

/** Every case touches nothing of the request before it hands it on. */
const code = `
const seen = async (request) => ({ method: request.method, type: request.headers.get("content-type"), both: request.headers.get("x-both"), text: await request.text() });
const cases = {
  clone: async (request) => { const copy = request.clone(); return [await seen(copy), await seen(request), copy.signal === request.signal, copy.signal.aborted]; },
  construct: async (request) => { const copy = new Request(request); return [await seen(copy), request.bodyUsed, copy.signal === request.signal]; },
  override: async (request) => seen(new Request(request, { headers: { "x-both": "mine" } })),
  asInit: async (request) => seen(new Request("http://other/", request)),
  subclass: async (request) => { class Mine extends Request { extra = 1; } const mine = new Mine(request); return [mine instanceof Mine, mine.extra, await seen(mine)]; },
  blob: async (request) => (await request.blob()).type,
  form: async (request) => [...(await request.formData())],
  kinds: async (request) => [request instanceof Request, request.constructor === Request, Object.prototype.toString.call(request), Request.name, Object.keys(request), request.headers === request.headers, request.signal === request.signal],
  fetched: async (request) => (await fetch(request)).json(),
  served: async (request) => { const server = Bun.serve({ port: 0, fetch: async (inner) => Response.json(await seen(inner)) }); try { return await (await server.fetch(request)).json(); } finally { await server.stop(true); } },
  printed: async (request) => { void request.headers; return Bun.inspect(request).includes("x-both"); },
  afterwards: async (request, ctx) => { later = request; laterCtx = ctx; return "kept"; },
  late: async () => [later.headers.get("x-both"), later.signal.aborted, laterCtx.signal === later.signal],
  fail: async (request) => { failed = request; throw new Error("on purpose"); },
  failed: async () => [failed.signal.aborted, failed.signal.reason.message],
  leftovers: async () => [Object.keys(require.cache).filter((url) => url.startsWith("blob:")).length, performance.getEntries().length],
};
let later, laterCtx, failed;
const hang = (request) => new Promise(() => fetch(request).catch((error) => console.log("gave up: " + error.name)));
export default {
  async fetch(request, ctx) {
    const name = request.url.split("/").at(-1);
    return name === "hang" ? hang(request) : Response.json(await cases[name](request, ctx));
  },
};`;

let guest: GuestHarness;
let hanging = Promise.withResolvers<void>();
let left = Promise.withResolvers<void>();
const peer = Bun.serve({
  port: 0,
  async fetch(request) {
    if (new URL(request.url).pathname === "/hang") {
      request.signal.addEventListener("abort", () => left.resolve());
      hanging.resolve();
      return new Promise<Response>(() => {});
    }
    const { method, headers } = request;
    return Response.json({ method, both: headers.get("x-both"), text: await request.text() });
  },
});
beforeAll(async () => {
  guest = await GuestHarness.start(code);
});
afterAll(async () => {
  await guest.stop();
  await peer.stop(true);
});

const headers = ["content-type", "text/css", "X-Both", "1", "x-both", "2"];
const whole = { method: "POST", type: "text/css", both: "1, 2", text: "body" };

async function ask(name: string, request: HarnessRequest = {}): Promise<unknown> {
  const url = `http://localhost/${name}`;
  const answer: unknown = JSON.parse(await guest.text({ url, headers, body: "body", ...request }));
  return answer;
}

test("a request that nothing of was read is whole in its clone, and stays whole itself", async () => {
  expect(await ask("clone")).toEqual([whole, whole, true, false]);
});

test("a request made from it has everything, its signal too", async () => {
  expect(await ask("construct")).toEqual([whole, true, true]);
  expect(await ask("override")).toEqual({ ...whole, type: null, both: "mine" });
  expect(await ask("asInit")).toEqual(whole);
  expect(await ask("subclass")).toEqual([true, 1, whole]);
});

test("blob() and formData() know its content type", async () => {
  expect(await ask("blob")).toStartWith("text/css");
  const form = { headers: ["content-type", "application/x-www-form-urlencoded"], body: "a=1&b=2" };
  expect(await ask("form", form)).toEqual([
    ["a", "1"],
    ["b", "2"],
  ]);
});

test("it is a Request in every way that code asks", async () => {
  expect(await ask("kinds")).toEqual([true, true, "[object Request]", "Request", [], true, true]);
  expect(await ask("printed")).toBe(true);
});

test("fetch() and a server of the function's own get all of it", async () => {
  const url = `http://localhost:${peer.port}/fetched`;
  expect(await ask("fetched", { url })).toEqual({ method: "POST", both: "1, 2", text: "body" });
  expect(await ask("served")).toEqual(whole);
});

test("what is first read after the answer is still right", async () => {
  expect(await ask("afterwards")).toBe("kept");
  expect(await ask("late")).toEqual(["1, 2", false, true]);
});

test("a signal first read after the request failed is aborted with the reason", async () => {
  const failure = await ask("fail").catch(String);
  expect(failure).toContain("on purpose");
  expect(await ask("failed")).toEqual([true, "on purpose"]);
});

test("a fetch of the handed request ends when the client leaves", async () => {
  hanging = Promise.withResolvers<void>();
  left = Promise.withResolvers<void>();
  const exchange = guest.request({ url: `http://localhost:${peer.port}/hang`, headers });
  await hanging.promise;
  exchange.stream.cancel("client disconnected");
  await left.promise;
  expect(await exchange.outcome).toMatchObject({ kind: "cancelled" });
});

test("the guest's own rehearsals leave nothing that a function sees", async () => {
  await using blank = await GuestHarness.spawn();
  for (let turn = 0; turn < 20; turn++) await blank.ping();
  blank.send(frameType.rehearse);
  for (let turn = 0; turn < 20; turn++) await blank.ping();
  blank.configure(code);
  await blank.ready.promise;
  // The function's own module, and nothing else.
  const left = await blank.text({ url: "http://localhost/leftovers" });
  expect(JSON.parse(left)).toEqual([1, 0]);
  expect(blank.lines).toEqual([]);
});
