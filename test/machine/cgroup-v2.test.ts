import { describe, expect, test } from "bun:test";
import { machineMissing } from "./debian-kernel.ts";
import { runInMachine } from "./run-in-machine.ts";

const because = machineMissing === undefined ? "" : ` (${machineMissing})`;
/** Emulated, it takes half a minute; this is for a machine that is busy with other things. */
const limitMs = 400_000;
const tests = "src/drivers/process/cgroup src/drivers/bun/tiers.test.ts";

/**
 * The limits on cgroup version 2 as Debian has it, whatever this machine mounts: the same tests that
 * pass here on version 1 pass there, in a group that is handed over as systemd's `Delegate=yes` does.
 */
describe.if(machineMissing === undefined)(
  `on Debian's kernel with cgroup version 2${because}`,
  () => {
    test(
      "the limits of tier 2 hold",
      async () => {
        const { exitCode, output } = await runInMachine(
          {
            setUp: [
              "mount -t cgroup2 cgroup /sys/fs/cgroup",
              'echo "+memory +cpu +pids" > /sys/fs/cgroup/cgroup.subtree_control',
              "mkdir /sys/fs/cgroup/reactor.service",
            ],
            // Only what joins is in the group, as the service's own processes are.
            command: `sh -c 'echo $$ > /sys/fs/cgroup/reactor.service/cgroup.procs && exec bun test --timeout 120000 ${tests}'`,
          },
          limitMs,
        );
        expect({ exitCode, output }).toMatchObject({
          exitCode: 0,
          output: expect.stringMatching(/\(pass\) tier 2 .*every process of an instance/),
        });
        expect(output).toMatch(/\b0 fail\b/);
        expect(output).not.toMatch(/\b\d+ skip\b/);
      },
      limitMs + 10_000,
    );
  },
);
