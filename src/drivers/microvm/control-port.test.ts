import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDeferred } from "../../base/deferred.ts";
import { ControlPort, type RuntimeEnd } from "./control-port.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A port whose agent says what a test makes it say. */
async function openPort(): Promise<{
  readonly port: ControlPort;
  readonly agent: Socket;
  readonly heard: (lines: number) => Promise<string[]>;
}> {
  const folder = mkdtempSync(join(tmpdir(), "rx-"));
  const accepted = createDeferred<Socket>();
  const server = createServer((socket) => accepted.resolve(socket));
  await new Promise<void>((resolve) => server.listen(join(folder, "s"), resolve));
  const agent = connect(join(folder, "s"));
  cleanups.push(() => {
    agent.destroy();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  let text = "";
  const heard = (lines: number): Promise<string[]> =>
    new Promise((resolve) => {
      const look = (): void => {
        const whole = text.split("\n").slice(0, -1);
        if (whole.length >= lines) resolve(whole);
      };
      agent.on("data", (chunk: Buffer) => {
        text += chunk.toString("latin1");
        look();
      });
    });
  return { port: new ControlPort(await accepted.promise), agent, heard };
}

async function closedAfter(said: string | Buffer): Promise<string> {
  const { port, agent } = await openPort();
  const closed = new Promise((resolve) => agent.on("close", resolve));
  agent.on("error", () => agent.destroy());
  agent.write(said);
  await closed;
  return reasonOf(port.send("ping"));
}

/** Why it was rejected. */
function reasonOf(promise: Promise<void>): Promise<string> {
  return promise.then(
    () => "it was taken",
    (error: Error) => error.message,
  );
}

async function endAfter(said: string): Promise<RuntimeEnd> {
  const { port, agent } = await openPort();
  agent.write(said);
  return port.runtimeEnd;
}

test("commands are lines in the order in which they were sent, each settled by its own answer", async () => {
  const { port, agent, heard } = await openPort();
  const answers = [port.send("hostname", "a"), port.send("tmp", "1024"), port.send("ping")];
  expect(await heard(3)).toEqual(["hostname a", "tmp 1024", "ping"]);
  agent.write("hello 1\nok\nerror no such");
  agent.write(" size\nok\n");
  const outcomes = await Promise.allSettled(answers);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(String((outcomes[1] as PromiseRejectedResult).reason)).toContain(
    'did not take "tmp": no such size',
  );
});

test("the end of the runtime is typed", async () => {
  expect(await endAfter("exit code 3\n")).toEqual({ kind: "exited", code: 3 });
  expect(await endAfter("exit signal 6\n")).toEqual({
    kind: "signal",
    signal: "SIGABRT",
    outOfMemory: false,
  });
  expect(await endAfter("exit signal 9 oom\n")).toEqual({
    kind: "signal",
    signal: "SIGKILL",
    outOfMemory: true,
  });
  expect(await endAfter("closed\nexit signal 9\n")).toEqual({ kind: "hung up" });
  expect(await endAfter("closed\nexit code 0\n")).toEqual({ kind: "exited", code: 0 });
  expect(await endAfter("exit failed no such file\n")).toEqual({
    kind: "failed",
    message: "no such file",
  });
});

test("whatever else is said ends the port: answers to nothing, other words, lines without an end", async () => {
  for (const said of [
    "ok\n",
    "error x\n",
    "exit code 12345\n",
    "exit\n",
    "\n",
    "x\n",
    "\xff\0\n",
  ]) {
    expect(await closedAfter(said)).toContain("did not take");
  }
  expect(await closedAfter(Buffer.alloc(1_000_000, 0x61))).toContain("did not take");
});

test("commands that wait are refused when the port closes, and later ones at once", async () => {
  const { port, agent } = await openPort();
  const waiting = port.send("settle");
  agent.destroy();
  expect(await reasonOf(waiting)).toContain('did not take "settle"');
  expect(await reasonOf(port.send("ping"))).toContain('did not take "ping"');
});
