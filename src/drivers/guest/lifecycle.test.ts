import { expect, test } from "bun:test";
import { frameType } from "../../wire/frames.ts";
import type { ConfigureMessage, GuestFailure } from "./messages.ts";
import { GuestHarness, type HarnessRequest } from "./guest.harness.ts";

interface Ending {
  readonly failure: GuestFailure;
  readonly exitCode: number;
}

/** Configures a guest with code that must not load. */
async function load(code: string, configure: Partial<ConfigureMessage> = {}): Promise<Ending> {
  await using guest = await GuestHarness.spawn();
  guest.configure(code, configure);
  const failure = await guest.failure.promise;
  return { failure, exitCode: await guest.exitCode };
}

test("a guest greets with its version, runtime and pid and then waits as a blank", async () => {
  await using guest = await GuestHarness.spawn();
  expect(await guest.hello.promise).toEqual({
    version: 1,
    runtime: "bun",
    runtimeVersion: Bun.version,
    pid: guest.pid,
  });
  await guest.ping();
});

interface HandlerCase {
  readonly code: string;
  readonly shape: string;
  readonly handler?: string;
  readonly recorded?: string;
  readonly text?: string;
}

const handlers: Readonly<Record<string, HandlerCase>> = {
  "a default export with fetch": {
    code: "export default { name: 'this', fetch() { return new Response(this.name); } };",
    shape: "fetch",
  },
  "an instance of a class with fetch": {
    code: "class App { #name = 'this'; fetch() { return new Response(this.#name); } } export default new App();",
    shape: "fetch",
  },
  "a default function": {
    code: "export default async () => new Response('this');",
    shape: "function",
  },
  "an export named handler": {
    code: "export function handler() { return new Response('this'); } export default () => new Response('default');",
    shape: "function",
  },
  "what defineFunction made": {
    code: "export default { handler: () => 'this', [Symbol.for('reactor.defineFunction')]: true }; export const handler = () => 'handler';",
    shape: "define_function",
    text: '"this"',
  },
  "an export named handler alone": {
    code: "export function handler() { return 'this'; }",
    shape: "event",
    text: '"this"',
  },
  "an export named handler of a deployment that recorded a function": {
    code: "export function handler(request) { return new Response(request instanceof Request ? 'this' : 'event'); }",
    shape: "function",
    recorded: "function",
  },
  "handler among the exports of CommonJS": {
    code: "export default { handler: () => 'this' };",
    shape: "event",
    text: '"this"',
  },
  "the default of a compiled ES module": {
    code: "export default { __esModule: true, default: () => new Response('this') };",
    shape: "function",
  },
  "handler when the manifest names it": {
    code: "export function handler(request) { return new Response(request instanceof Request ? 'this' : 'event'); }",
    shape: "function",
    handler: "handler",
  },
  "the export that the manifest names": {
    code: "export const other = () => new Response('this'); export default { fetch: () => new Response('default') };",
    shape: "function",
    handler: "other",
  },
  "a named export with fetch": {
    code: "export const app = { fetch: () => new Response('this') };",
    shape: "fetch",
    handler: "app",
  },
};

for (const [name, { code, shape, handler, recorded, text }] of Object.entries(handlers)) {
  test(`${name} is served`, async () => {
    await using guest = await GuestHarness.start(code, { configure: { handler, shape: recorded } });
    expect((await guest.ready.promise).shape).toBe(shape as "fetch");
    expect(await guest.text()).toBe(text ?? "this");
  });
}

const loadFailures: Readonly<
  Record<string, { code: string; message: RegExp; handler?: string; stack?: RegExp }>
> = {
  "a syntax error": {
    code: "export default {",
    message: /Expected identifier.*\(code\/index\.ts:1:16\)/,
  },
  "no export": {
    code: "const a = 1;",
    message: /no exports.*Export one of: `export default \{ fetch/,
  },
  "an export that does not fit": { code: "export const a = 1;", message: /has the exports a\./ },
  "a default value that does not fit": { code: "export default 42;", message: /exports default/ },
  "a class": {
    code: "export default class { fetch() {} }",
    message: /is a class: export an instance/,
  },
  "a named export that is missing": {
    code: "export default () => new Response('x');",
    handler: "nope",
    message: /names the export "nope", which does not fit/,
  },
  "a throw at import": {
    code: "\nthrow new TypeError('not today');",
    message: /^not today$/,
    stack: /TypeError: not today[\s\S]*code\/index\.ts:2/,
  },
  "an import that is missing": {
    code: "import 'nowhere-at-all'; export default {};",
    message: /nowhere-at-all/,
  },
  "a rejection at import": {
    code: "Promise.reject(new Error('floating')); await new Promise(() => {});",
    message: /^floating$/,
  },
};

for (const [name, { code, message, handler, stack }] of Object.entries(loadFailures)) {
  test(`${name} fails the load with the reason and ends the process`, async () => {
    const { failure, exitCode } = await load(code, { handler });
    expect(failure.kind).toBe("load_failed");
    expect(failure.message).toMatch(message);
    if (stack !== undefined) expect(failure.stack).toMatch(stack);
    expect(exitCode).toBe(65);
  });
}

const crashing = `
const cases = {
  ok: () => new Response("ok"),
  timer: () => { setTimeout(() => { throw new RangeError("in a timer"); }, 1); return new Promise(() => {}); },
  floating: () => { Promise.reject(new Error("floating")); return new Promise(() => {}); },
  floatingAfterHead: () => new Response(new ReadableStream({ start(c) { c.enqueue("x"); }, pull() { Promise.reject(new Error("floating later")); return new Promise(() => {}); } })),
  later: () => { setTimeout(() => Promise.reject(new Error("nobody's")), 1); return new Response("ok"); },
  exit: () => { console.log("leaving"); process.stdout.write("partial"); process.exit(3); },
  wait: (request, ctx) => { ctx.waitUntil(Bun.sleep(20).then(() => console.log("background done"))); return new Response("ok"); },
  waitForever: (request, ctx) => { ctx.waitUntil(new Promise(() => {})); return new Response("ok"); },
  slow: async (request) => { console.log("slow begins"); await request.text(); return new Response("slow"); },
};
export default (request, ctx) => cases[request.headers.get("x-case")](request, ctx);
`;

function of(name: string): HarnessRequest {
  return { headers: ["x-case", name] };
}

test("an exception in a timer ends the process with its typed reason", async () => {
  await using guest = await GuestHarness.start(crashing);
  void guest.request(of("timer"));
  const failure = await guest.failure.promise;
  expect(failure).toMatchObject({ kind: "uncaught", message: "in a timer" });
  expect(failure.stack).toMatch(/RangeError: in a timer[\s\S]*code\/index\.ts/);
  expect(await guest.exitCode).toBe(70);
});

test("an unhandled rejection fails the one request that runs, and the guest serves on", async () => {
  await using guest = await GuestHarness.start(crashing);
  const before = await guest.request(of("floating")).outcome;
  expect(before).toMatchObject({ kind: "threw", message: "floating" });
  const after = await guest.request(of("floatingAfterHead")).outcome;
  expect(after).toMatchObject({ kind: "body_failed", message: "floating later" });
  expect(await guest.text(of("ok"))).toBe("ok");
});

test("an unhandled rejection that belongs to no request ends the process", async () => {
  await using guest = await GuestHarness.start(crashing);
  expect(await guest.text(of("later"))).toBe("ok");
  expect(await guest.failure.promise).toMatchObject({ kind: "uncaught", message: "nobody's" });
  expect(await guest.exitCode).toBe(70);
});

test("process.exit ends the process, and what was logged before arrives", async () => {
  await using guest = await GuestHarness.start(crashing);
  const exchange = guest.request(of("exit"));
  expect(await guest.exitCode).toBe(3);
  const lines = (): string[] => exchange.lines.map(({ text }) => text);
  // The exit and the last bytes reach this process on two ways.
  while (lines().length < 2) await new Promise((resolve) => setImmediate(resolve));
  expect(lines()).toEqual(["leaving", "partial"]);
});

test("drain lets running requests and waitUntil promises finish and then exits", async () => {
  await using guest = await GuestHarness.start(crashing);
  const slow = guest.request({ ...of("slow"), open: true });
  await guest.text(of("wait"));
  guest.send(frameType.drain);
  await guest.ping();
  slow.stream.end();
  expect(await slow.text()).toBe("slow");
  expect(await guest.exitCode).toBe(0);
  while (!guest.lines.some(({ text }) => text === "background done")) {
    await new Promise((resolve) => setImmediate(resolve));
  }
});

test("drain waits for waitUntil promises no longer than the limit", async () => {
  const limits = { memoryMb: 1, timeoutMs: 1, bodyOutBytesMax: 1, waitUntilMs: 10 };
  await using guest = await GuestHarness.start(crashing, { configure: { limits } });
  await guest.text(of("waitForever"));
  guest.send(frameType.drain);
  expect(await guest.exitCode).toBe(0);
});

test("an idle guest exits at once when it is drained", async () => {
  await using guest = await GuestHarness.start(crashing);
  guest.send(frameType.drain);
  expect(await guest.exitCode).toBe(0);
});

test("a guest whose host is gone exits", async () => {
  await using guest = await GuestHarness.start(crashing);
  guest.disconnect();
  expect(await guest.exitCode).toBe(0);
});

for (const [name, type] of [
  ["a frame that only guests send", frameType.ready],
  ["a second hello", frameType.hello],
  ["a second configure", frameType.configure],
] as const) {
  test(`${name} ends the guest as a breach of the protocol`, async () => {
    await using guest = await GuestHarness.start(crashing);
    guest.send(type, Buffer.from('{"version":1}'));
    expect(await guest.exitCode).toBe(76);
  });
}

test("a hello that is no JSON ends the guest and is named", async () => {
  await using guest = await GuestHarness.start(crashing);
  guest.send(frameType.hello, Buffer.from("{"));
  expect(await guest.failure.promise).toMatchObject({ kind: "uncaught" });
  expect(await guest.exitCode).toBe(70);
});

test("a host that speaks another version ends the guest", async () => {
  await using guest = await GuestHarness.spawn({ version: 2 });
  expect(await guest.exitCode).toBe(76);
});

test("a ping is answered while requests run", async () => {
  await using guest = await GuestHarness.start(crashing);
  void guest.request({ ...of("slow"), open: true });
  await guest.ping();
});
