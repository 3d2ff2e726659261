import { afterAll, afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVirtualClock } from "../../../base/clock.ts";
import { QmpClient } from "./qmp-client.ts";
import { VmmError } from "./vmm-error.ts";

const greeting = '{"QMP": {"version": {"qemu": {"major": 7}}, "capabilities": ["oob"]}}\r\n';
const folder = mkdtempSync(join(tmpdir(), "rx-qmp-"));
const clock = createVirtualClock();
const open: (Server | Socket)[] = [];
let count = 0;

afterEach(() => {
  for (const each of open.splice(0)) {
    if ("destroy" in each) each.destroy();
    else each.close();
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A client with whatever the test makes of QEMU at the other end of a real socket. */
async function session(): Promise<{
  client: QmpClient;
  qemu: Socket;
  asked: () => Promise<string>;
}> {
  const path = join(folder, String(count++));
  const server = createServer();
  open.push(server);
  server.listen(path);
  await once(server, "listening");
  const accepted = once(server, "connection");
  const qemu = connect(path);
  const [socket] = (await accepted) as [Socket];
  open.push(qemu, socket);
  const lines: string[] = [];
  const waiting: ((line: string) => void)[] = [];
  let rest = "";
  qemu.on("data", (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) (waiting.shift() ?? ((each) => void lines.push(each)))(line);
  });
  const asked = (): Promise<string> => {
    const line = lines.shift();
    return line === undefined ? new Promise((done) => waiting.push(done)) : Promise.resolve(line);
  };
  return { client: new QmpClient({ socket, clock }), qemu, asked };
}

async function negotiated(): Promise<Awaited<ReturnType<typeof session>>> {
  const all = await session();
  all.qemu.write(greeting);
  const ready = all.client.negotiate();
  expect(JSON.parse(await all.asked())).toEqual({ execute: "qmp_capabilities", id: 1 });
  all.qemu.write('{"return": {}, "id": 1}\r\n');
  await ready;
  return all;
}

async function failureOf(promise: Promise<unknown>): Promise<VmmError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof VmmError)) throw new Error(`not a VmmError: ${String(error)}`);
  return error;
}

test("answers go to the command that asked, in whatever order and pieces they come", async () => {
  const { client, qemu, asked } = await negotiated();
  const first = client.execute("query-status");
  const second = client.execute("balloon", { value: 7 });
  expect(JSON.parse(await asked())).toEqual({ execute: "query-status", id: 2 });
  expect(JSON.parse(await asked())).toEqual({ execute: "balloon", arguments: { value: 7 }, id: 3 });
  qemu.write('{"return": {}, "id": 3}\r\n{"retu');
  expect(await second).toEqual({});
  qemu.write('rn": {"status": "running"}, "id": 2}\n');
  expect(await first).toEqual({ status: "running" });
});

test("a refusal rejects its command alone, with what QEMU says in one line", async () => {
  const { client, qemu } = await negotiated();
  const refused = failureOf(client.execute("cont"));
  const fine = client.execute("stop");
  qemu.write('{"id": 2, "error": {"class": "GenericError", "desc": "no\\n\\u001b[31m way"}}\n');
  qemu.write('{"id": 3, "return": {}}\n');
  expect(await fine).toEqual({});
  expect(await refused).toMatchObject({
    failure: "refused",
    message: "QEMU refused to cont: no [31m way",
  });
});

test("events reach who waits for them, and nobody else", async () => {
  const { client, qemu } = await negotiated();
  const seen: string[] = [];
  client.onEvent(({ name }) => seen.push(name));
  const wanted = client.event(
    ({ name, data }) => name === "MIGRATION" && data["status"] === "completed",
  );
  qemu.write('{"event": "MIGRATION", "data": {"status": "active"}, "timestamp": {}}\n');
  qemu.write('{"event": "RESUME"}\n{"event": "MIGRATION", "data": {"status": "completed"}}\n');
  expect(await wanted).toEqual({ name: "MIGRATION", data: { status: "completed" } });
  expect(seen).toEqual(["MIGRATION", "RESUME", "MIGRATION"]);
});

test("a wait for an event ends with its signal", async () => {
  const { client } = await negotiated();
  const given = new AbortController();
  const waiting = client.event(() => true, given.signal).catch((error: unknown) => error);
  given.abort(new Error("enough"));
  expect(await waiting).toEqual(new Error("enough"));
});

test.each([
  ["no JSON", "\u0000\u0001garbage\n"],
  ["an array", "[]\n"],
  ["an answer to nothing", '{"return": {}, "id": 77}\n'],
  ["an answer without an id", '{"return": {}}\n'],
  ["an answer that is both", '{"return": {}, "error": {}, "id": 2}\n'],
  ["an answer that is neither", '{"id": 2}\n'],
  ["an error that is no object", '{"id": 2, "error": "x"}\n'],
  ["a line without an end", "x".repeat(65 * 1024)],
  ["a long line", `{"event": "${"x".repeat(65 * 1024)}"}\n`],
])("%s ends the connection, and everything open rejects with why", async (_what, text) => {
  const { client, qemu } = await negotiated();
  const command = failureOf(client.execute("query-status"));
  const event = failureOf(client.event(() => true));
  const broken = once(qemu, "close");
  qemu.on("error", () => {});
  qemu.write(text);
  const error = await command;
  expect(error.failure).toBe("protocol");
  expect(error.message.length).toBeLessThan(600);
  expect(await event).toBe(error);
  expect(await client.closed).toBe(error);
  expect(await failureOf(client.execute("stop"))).toBe(error);
  await broken;
});

test("what does not begin with a greeting is not QEMU", async () => {
  const { client, qemu } = await session();
  const ready = failureOf(client.negotiate());
  qemu.write('{"event": "RESUME"}\n');
  expect(await ready).toMatchObject({ failure: "protocol" });
});

test("QEMU that dies ends every command and wait", async () => {
  const { client, qemu } = await negotiated();
  const open = [failureOf(client.execute("stop")), failureOf(client.event(() => true))];
  qemu.destroy();
  for (const error of await Promise.all(open)) expect(error.failure).toBe("ended");
});

test("no greeting and no answer in time are failures", async () => {
  const silent = await session();
  const greeted = failureOf(silent.client.negotiate());
  const deaf = await negotiated();
  const answered = failureOf(deaf.client.execute("stop"));
  await deaf.asked();
  await clock.advance(30_000);
  expect(await greeted).toMatchObject({ failure: "protocol" });
  expect(await answered).toMatchObject({ failure: "protocol" });
});

test("a flood of events is read in portions, and what comes after it is heard", async () => {
  const { client, qemu } = await negotiated();
  const heard: string[] = [];
  client.onEvent(({ name }) => heard.push(name));
  const event = '{"event": "RTC_CHANGE", "data": {"offset": 1}}\n';
  const count = Math.ceil((2 * 1024 * 1024) / event.length);
  qemu.write(event.repeat(count));
  const last = client.event(({ name }) => name === "STOP");
  qemu.write('{"event": "STOP"}\n');
  await client.event(() => heard.length > 1000);
  // The clock stands, so that no portion after the first is read.
  for (let turn = 0; turn < 50; turn++) await new Promise((done) => setImmediate(done));
  expect(heard.length * event.length).toBeLessThan(1024 * 1024);
  while (heard.at(-1) !== "STOP") {
    await clock.advance(20);
    await new Promise((done) => setImmediate(done));
  }
  await last;
  expect(heard).toHaveLength(count + 1);
});

test("commands that wait for an answer are bounded", async () => {
  const { client } = await negotiated();
  const open = Array.from({ length: 32 }, () => failureOf(client.execute("stop")));
  expect(await failureOf(client.execute("cont"))).toMatchObject({ failure: "refused" });
  client.close();
  for (const error of await Promise.all(open)) expect(error.failure).toBe("closed");
});
