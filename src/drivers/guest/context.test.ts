import { afterAll, beforeAll, expect, test } from "bun:test";
import { GuestHarness } from "./guest.harness.ts";

const code = `
console.log("at import: " + process.env.API_KEY + " " + process.env.REGION);
const cases = {
  describe: (request, ctx) => Response.json({
    requestId: ctx.requestId, invocationId: ctx.invocationId, functionName: ctx.functionName,
    deploymentId: ctx.deploymentId, revision: ctx.revision, deadline: ctx.deadline, caller: ctx.caller ?? "none",
    memoryLimitMB: ctx.memoryLimitMB, timeoutMs: ctx.timeoutMs, env: ctx.env, sameSignal: ctx.signal.aborted === request.signal.aborted,
  }),
  remaining: (request, { remainingMs }) => Response.json(remainingMs()),
  environment: () => Response.json(process.env),
  secret: (request, ctx) => new Response(ctx.secrets.get(new URL(request.url).searchParams.get("key"))),
  frozen: (request, ctx) => {
    const tries = [() => { "use strict"; ctx.env.REGION = "x"; }, () => { ctx.secrets.get = 1; }, () => { ctx.requestId = "x"; }];
    return Response.json(tries.map((attempt) => { try { attempt(); return "changed"; } catch (error) { return error.name; } }));
  },
  log: (request, { log }) => { log("plain", { a: 1 }); log.debug("d"); log.info("i"); log.warn("w"); log.error("e", new Error("inner").message); return new Response("ok"); },
  params: (request, { params }) => Response.json([params, Object.isFrozen(params)]),
  waitUntil: (request, { waitUntil, log }) => { waitUntil(Promise.reject(new Error("background broke"))); return new Response("ok"); },
};
export default { fetch: (request, ctx) => cases[request.headers.get("x-case")](request, ctx) };
`;

let guest: GuestHarness;
beforeAll(async () => {
  guest = await GuestHarness.start(code, {
    env: { PATH: "/bin", HOME: "/tmp", CANARY: "leak", HTTP_PROXY: "http://127.0.0.1:9" },
    configure: {
      functionName: "shop",
      env: { REGION: "eu", HTTP_PROXY: "http://elsewhere:1" },
      secrets: { API_KEY: "k-123" },
      limits: { memoryMb: 128, timeoutMs: 5_000, bodyOutBytesMax: 1_000 },
    },
  });
});
afterAll(() => guest.stop());

const of = (name: string): { headers: string[] } => ({ headers: ["x-case", name] });

test("ctx describes the request, the deployment and the limits", async () => {
  const caller = '{"kind":"key","id":"key_1"}';
  const text = await guest.text({
    ...of("describe"),
    invocationId: "inv_x",
    requestId: "req_x",
    deadlineMs: 123,
    caller,
  });
  expect(JSON.parse(text)).toEqual({
    requestId: "req_x",
    invocationId: "inv_x",
    functionName: "shop",
    deploymentId: "dep_1",
    revision: 7,
    deadline: 123,
    caller: { kind: "key", id: "key_1" },
    memoryLimitMB: 128,
    timeoutMs: 5_000,
    env: { REGION: "eu", HTTP_PROXY: "http://elsewhere:1", API_KEY: "k-123" },
    sameSignal: true,
  });
});

test("ctx.params has the route's parameters, decoded, and nothing on another way in", async () => {
  const sent = ["x-case", "params", "X-Reactor-Route-Params", "id=a%2Fb&note=7%2B&__proto__=x"];
  const [params, isFrozen] = JSON.parse(await guest.text({ headers: sent }));
  expect(Object.entries(params)).toEqual([
    ["id", "a/b"],
    ["note", "7+"],
    ["__proto__", "x"],
  ]);
  expect(isFrozen).toBe(true);
  expect(JSON.parse(await guest.text(of("params")))).toEqual([{}, true]);
});

test("ctx.caller is absent when nobody was authenticated", async () => {
  expect(JSON.parse(await guest.text(of("describe"))).caller).toBe("none");
});

test("ctx.remainingMs counts down to zero and never below", async () => {
  const soon = await guest.text({ ...of("remaining"), deadlineMs: 1 });
  expect(soon).toBe("0");
  expect(Number(await guest.text(of("remaining")))).toBeGreaterThan(1_000_000);
});

test("env and secrets are in process.env before user code is imported", () => {
  expect(guest.lines.map(({ text }) => text)).toContain("at import: k-123 eu");
});

test("process.env holds the declared keys, the kept ones and nothing else", async () => {
  expect(JSON.parse(await guest.text(of("environment")))).toEqual({
    PATH: "/bin",
    HOME: "/tmp",
    HTTP_PROXY: "http://127.0.0.1:9",
    REGION: "eu",
    API_KEY: "k-123",
  });
});

test("secrets.get returns a secret, and throws and names a missing one", async () => {
  const url = "http://localhost/?key=";
  expect(await guest.text({ ...of("secret"), url: `${url}API_KEY` })).toBe("k-123");
  const missing = await guest.request({ ...of("secret"), url: `${url}NOPE` }).outcome;
  expect(missing?.message).toContain('secret "NOPE": function "shop" has no such secret');
  expect(missing?.message).toContain("`reactor secrets set NOPE`");
  const variable = await guest.request({ ...of("secret"), url: `${url}REGION` }).outcome;
  expect(variable?.message).toContain("is an env variable");
});

test("what requests share cannot be changed by one of them", async () => {
  expect(await guest.text(of("frozen"))).toBe('["TypeError","TypeError","TypeError"]');
});

test("ctx.log has levels and renders arguments like the console", async () => {
  const exchange = guest.request(of("log"));
  await exchange.outcome;
  expect(exchange.lines.map(({ level, text }) => `${level} ${text}`)).toEqual([
    "info plain { a: 1 }",
    "debug d",
    "info i",
    "warn w",
    "error e inner",
  ]);
});

test("a rejected waitUntil promise is logged and harms nobody", async () => {
  expect(await guest.text(of("waitUntil"))).toBe("ok");
  const logged = (): boolean =>
    guest.lines.some(({ level, text }) => level === "error" && text.includes("background broke"));
  while (!logged()) await guest.ping();
});
