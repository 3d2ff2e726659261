import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { microvmMissing } from "../images/test-images.harness.ts";
import {
  openProbeMachines,
  type ProbeMachine,
  type ProbeMachines,
} from "./probe-machines.harness.ts";

const because = microvmMissing === undefined ? "" : ` (${microvmMissing})`;
const limitMs = 240_000;

/** Lets the probe do something, and returns what it said by then. */
async function tell({ ports }: ProbeMachine, line: string, until: RegExp): Promise<string> {
  const before = ports.wire.text.length;
  await ports.wire.send(`${line}\n`);
  await ports.wire.until(() => until.test(ports.wire.text.slice(before)));
  return ports.wire.text.slice(before);
}

/** The last line of the control port, once the machine has ended. */
async function exitOf({ ports, ended }: ProbeMachine): Promise<string | undefined> {
  await ended;
  return ports.control.text.trimEnd().split("\n").at(-1);
}

describe.if(microvmMissing === undefined)(`the agent in a microVM${because}`, () => {
  let machines: ProbeMachines;
  beforeAll(async () => {
    machines = await openProbeMachines();
  }, limitMs);
  afterAll(() => machines.close());

  test(
    "obeys the control port, refuses garbage on it, and reports the runtime's exit after its last words",
    async () => {
      await using machine = await machines.clone();
      const { control, wire, stdout, stderr } = machine.ports;
      const looked = await tell(machine, "look", /oom \d+/);
      expect(looked).toContain("user 65534 65534 65534 args /run/reactor/host.sock 3128\n");
      expect([...looked.matchAll(/^env (.*)$/gm)].map(([, line]) => line)).toEqual([
        "HOME=/tmp",
        "HTTPS_PROXY=http://127.0.0.1:3128",
        "HTTP_PROXY=http://127.0.0.1:3128",
        "LANG=C.UTF-8",
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "PROBE=yes",
        "TMPDIR=/tmp",
        "http_proxy=http://127.0.0.1:3128",
        "https_proxy=http://127.0.0.1:3128",
      ]);
      expect(looked).toContain(
        "dev fd full null ptmx pts random shm stderr stdin stdout tty urandom zero\n",
      );
      expect(looked).toContain("writable /tmp /dev/shm\n");
      expect(looked).toContain("agent hidden\nsys \n");
      expect(looked).toContain("privileges 0000000000000000 1\n");
      expect(looked).toContain("limits 0 256 4096\noom 500");

      const id = "0123456789abcdef0123456789abcdef";
      expect(await control.ask("ping")).toBe("ok");
      expect(await control.ask(`entropy ${"5a".repeat(64)}`)).toBe("ok");
      expect(await control.ask("clock 1900000000.250000")).toBe("ok");
      expect(await control.ask("hostname clone-7")).toBe("ok");
      expect(await control.ask(`machine-id ${id}`)).toBe("ok");
      expect(await control.ask("tmp 1048576")).toBe("ok");
      expect(await tell(machine, "identity", /identity .*\n/)).toMatch(
        new RegExp(`identity clone-7 ${id} 01234567-89ab-cdef-0123-456789abcdef 19000000\\d\\d`),
      );
      expect(await tell(machine, "tmp", /tmp \d+\n/)).toBe("tmp 1048576\n");

      const refused = [
        "",
        " ",
        "entropy",
        "entropy 5a",
        `entropy ${"zz".repeat(64)}`,
        "clock now",
        "clock -1",
        "clock 99999999999999",
        "hostname a b",
        `hostname ${"h".repeat(64)}`,
        "hostname",
        "machine-id 12",
        "tmp 1",
        "tmp 99999999999999",
        "reboot",
        "ENTROPY 00",
        "\0\x01\xff\xfe",
      ];
      for (const line of refused) expect(await control.ask(line)).toStartWith("error ");
      const long = await control.ask("x".repeat(300_000));
      expect(long).toBe("error the line is over 4096 bytes");
      const before = control.text.length;
      await control.send("hostname one\nhostname two\nnothing\n");
      await control.until(() => control.text.slice(before).split("\n").length > 3);
      expect(control.text.slice(before)).toBe("ok\nok\nerror unknown command\n");
      expect(await control.ask("settle")).toBe("ok");

      await tell(machine, "orphan", /left an orphan/);
      // The host reads nothing of it for now.
      stdout.pause(true);
      await tell(machine, "write 100000", /w{100000}/);
      await wire.send("exit 3\n");
      stdout.pause(false);
      expect(await exitOf(machine)).toBe("exit code 3");
      expect(await machine.ended).toEqual({ reason: "poweroff" });
      expect(stdout.text).toBe("o".repeat(100_000));
      expect(stderr.text).toBe("e".repeat(100_000));
    },
    limitMs,
  );

  test(
    "a runtime that fills the memory is ended alone, and the report says so",
    async () => {
      await using machine = await machines.clone();
      await machine.ports.wire.send("fill\n");
      expect(await exitOf(machine)).toBe("exit signal 9 oom");
      expect(await machine.ended).toEqual({ reason: "poweroff" });
    },
    limitMs,
  );

  test(
    "a runtime that floods what nobody reads, or spins, does not keep the agent from its work; settle waits for it",
    async () => {
      await using machine = await machines.clone();
      const { control, stdout, stderr } = machine.ports;
      stdout.pause(true);
      stderr.pause(true);
      await machine.ports.wire.send("write 20000000\n");
      expect(await control.ask("hostname still-here")).toBe("ok");
      stdout.pause(false);
      stderr.pause(false);
      await stdout.until(() => stdout.bytes === 20_000_000);
      await stderr.until(() => stderr.bytes === 20_000_000);
      await tell(machine, "spin", /spinning\n/);
      expect(await control.ask("clock 1900000000")).toBe("ok");
      expect(await control.ask("settle")).toBe("ok");
      expect(machine.ports.wire.text).toContain("spun\n");
    },
    limitMs,
  );

  test(
    "a runtime that closes its connection and stays is ended, and the host is told first",
    async () => {
      await using machine = await machines.clone();
      await machine.ports.wire.send("close\n");
      expect(await exitOf(machine)).toBe("exit signal 9");
      expect(machine.ports.control.text).toBe("closed\nexit signal 9\n");
    },
    limitMs,
  );
});
