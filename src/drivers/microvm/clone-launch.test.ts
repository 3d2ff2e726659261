import { afterEach, expect, test } from "bun:test";
import { type Clock, createVirtualClock, systemClock } from "../../base/clock.ts";
import { createDeferred } from "../../base/deferred.ts";
import { systemRandom } from "../../base/random.ts";
import type { ProcessEnd } from "../process/guest-process.ts";
import type { Launch } from "../process/launch.ts";
import { cloneLaunch } from "./clone-launch.ts";
import { type FakeMachine, openFakeMachine } from "./fake-machine.harness.ts";
import type { MachineEnd } from "./vmm/machine.ts";

const opened: FakeMachine[] = [];
afterEach(() => {
  for (const fake of opened.splice(0)) fake.close();
});

async function launched(
  clock: Clock = systemClock,
): Promise<{ readonly fake: FakeMachine; readonly launch: Launch }> {
  const fake = await openFakeMachine();
  opened.push(fake);
  const common = { clock, random: systemRandom, tmpBytesMax: 1024 * 1024 };
  return { fake, launch: await cloneLaunch(fake.machine, { ...common, memoryMb: 128 }) };
}

/** All that a clone is told that takes no longer the second time than it is set ahead. */
const commandCount = 6;

/** The time that a command sets, in milliseconds. */
function msOf(command: string): number {
  const [, seconds] = /^clock (\d+\.\d{6})$/.exec(command) ?? [];
  return Number(seconds) * 1000;
}

/** What it is told next. */
function lineOf(fake: FakeMachine): Promise<string> {
  return new Promise((resolve) =>
    fake.inside["reactor.control"].once("data", (chunk: Buffer) =>
      resolve(chunk.toString().trim()),
    ),
  );
}

/** The agent's part: answers every command but the last, and resolves with them. */
function answerAll(fake: FakeMachine, answer = "ok"): Promise<readonly string[]> {
  const control = fake.inside["reactor.control"];
  const commands: string[] = [];
  const heard = createDeferred<readonly string[]>();
  control.on("data", (chunk: Buffer) => {
    for (const line of chunk.toString("latin1").split("\n").filter(Boolean)) {
      commands.push(line);
      if (commands.length < commandCount) control.write(`${answer}\n`);
      else heard.resolve(commands);
    }
  });
  return heard.promise;
}

async function endOf(said: string, end: MachineEnd): Promise<ProcessEnd> {
  const { fake, launch } = await launched();
  if (said !== "") fake.inside["reactor.control"].write(said);
  fake.end(end);
  return launch.process.ended;
}

test("a clone is connected only once it is like no other, and knows the time", async () => {
  const clock = createVirtualClock();
  const { fake, launch } = await launched(clock);
  const connected = launch.socket.then(() => "connected");
  const commands = await answerAll(fake);
  expect(await Promise.race([connected, Promise.resolve("not yet")])).toBe("not yet");
  expect(commands[0]).toMatch(/^entropy [0-9a-f]{128}$/);
  expect(commands[1]).toMatch(/^machine-id [0-9a-f]{32}$/);
  expect(commands[2]).toMatch(/^hostname function-[0-9a-f]{12}$/);
  expect(commands[3]).toBe("tmp 1048576");
  expect(commands.slice(4).map(msOf)).toEqual([clock.now(), clock.now() + 5]);
  // That takes longer than it was set ahead, so it is told once more, by more.
  await clock.advance(100);
  const again = lineOf(fake);
  fake.inside["reactor.control"].write("ok\n");
  expect(msOf(await again)).toBe(clock.now() + 200);
  fake.inside["reactor.control"].write("ok\n");
  const socket = await launch.socket;
  const received = new Promise<string>((resolve) =>
    socket.once("data", (chunk: Buffer) => resolve(chunk.toString())),
  );
  fake.inside["reactor.wire"].write("first bytes");
  expect(await received).toBe("first bytes");
});

test("no two clones are given the same randomness, id or name", async () => {
  const [one, other] = [await launched(), await launched()];
  const [these, those] = await Promise.all([answerAll(one.fake), answerAll(other.fake)]);
  for (const at of [0, 1, 2]) expect(these[at]).not.toBe(those[at]);
});

test("a clone that cannot be personalised is ended, and says why", async () => {
  const { fake, launch } = await launched();
  void answerAll(fake, "error no device");
  await fake.killed;
  const { error } = await launch.process.ended;
  expect(error).toContain('did not take "entropy": no device');
});

test("how the runtime ended is what its agent says, memory with the machine's size", async () => {
  const off = { reason: "poweroff" } as const;
  expect((await endOf("exit code 3\n", off)).exit).toEqual({ reason: "exited", code: 3 });
  expect((await endOf("exit signal 6\n", off)).exit).toEqual({
    reason: "signal",
    signal: "SIGABRT",
  });
  expect((await endOf("exit signal 9 oom\n", off)).exit).toEqual({
    reason: "memory",
    limitMb: 128,
    peakMb: 128,
  });
  expect((await endOf("exit failed no runtime\n", off)).error).toContain("no runtime");
});

test("a machine that ends without a word is typed by how it ended", async () => {
  const panic = await endOf("", { reason: "panic", console: "Kernel panic - not syncing" });
  expect(panic).toMatchObject({
    exit: { reason: "panic" },
    error: expect.stringContaining("Kernel"),
  });
  expect((await endOf("", { reason: "memory" })).exit).toMatchObject({ reason: "memory" });
  expect(await endOf("", { reason: "killed", signal: "SIGKILL" })).toEqual({
    code: undefined,
    signal: "SIGKILL",
    error: undefined,
  });
  expect((await endOf("", { reason: "failed", message: "no memory" })).error).toBe("no memory");
});

test("a machine whose runtime has ended and that does not power off is killed", async () => {
  const { fake, launch } = await launched();
  fake.inside["reactor.control"].write("exit code 0\n");
  await fake.killed;
  expect((await launch.process.ended).exit).toEqual({ reason: "exited", code: 0 });
});

test("a machine that ended before it was connected rejects the launch and is released", async () => {
  const fake = await openFakeMachine();
  opened.push(fake);
  let released = false;
  const never = new Promise<never>(() => {});
  const machine = {
    ...fake.machine,
    ports: { ...fake.machine.ports, "reactor.wire": never },
    release: () => {
      released = true;
    },
  };
  fake.end({ reason: "failed", message: "no such file" });
  const common = { clock: systemClock, random: systemRandom, tmpBytesMax: 1024, memoryMb: 128 };
  const refused = await cloneLaunch(machine, common).catch(String);
  expect(refused).toContain("no such file");
  expect(released).toBe(true);
});
