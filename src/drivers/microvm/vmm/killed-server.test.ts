import { afterAll, describe, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { argumentsOf } from "../../process/process-tree.ts";
import { groupsLeft } from "../../process/testing/groups-left.ts";
import {
  makeTestFolder,
  openTestMachines,
  removeTestFolder,
  slotsLeft,
  tinySpec,
} from "./testing/open-machines.ts";
import { tinyImage, tinyImageMissing } from "./testing/tiny-image.ts";

const limitMs = 180_000;

describe.if(tinyImageMissing === undefined)("kill -9 of a server with machines", () => {
  const folder = makeTestFolder();

  afterAll(() => removeTestFolder(folder));

  test.each(["build", "clone"] as const)(
    "in the middle of a %s leaves no machine, and the next start no socket, folder, group or half a template",
    async (what) => {
      const server = await startServer(what);
      expect(machinesOf(folder).length).toBeGreaterThan(0);
      const closed = once(server, "close");
      server.kill("SIGKILL");
      // The machines hold its output open, so its end is theirs.
      await closed;
      await untilNone(folder);
      const next = await openTestMachines(folder);
      expect(slotsLeft(folder)).toEqual([]);
      const names = readdirSync(join(folder, "data/templates"));
      expect(names.filter((name) => name.startsWith("building-"))).toEqual([]);
      // What was complete is of use again.
      const image = tinyImage(folder);
      const templates = await next.templates(image);
      const signal = AbortSignal.timeout(limitMs);
      const machine = await templates.clone(tinySpec({ image, memoryMb: 128, vcpu: 1 }), signal);
      await machine.stop();
      await next.close();
      expect(groupsLeft(join(folder, "run"))).toEqual([]);
      expect(readdirSync(folder)).not.toContain("run");
    },
    limitMs,
  );

  async function startServer(what: string): Promise<ChildProcess> {
    const script = join(import.meta.dirname, "testing/doomed-server.harness.ts");
    const server = spawn(process.execPath, [script, folder, what], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    for await (const chunk of server.stdout) {
      text += String(chunk);
      if (text.includes("ready")) return server;
    }
    throw new Error(`the server ended: ${text}`);
  }
});

/** Processes whose arguments name the folder, or a file that is open only below it. */
function machinesOf(folder: string): number[] {
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    const names =
      /^\d+$/.test(name) && argumentsOf(pid).some((arg) => arg.startsWith(`${folder}/run`));
    return names ? [pid] : [];
  });
}

/** Resolves when the kernel has ended what died with the server; it does so at once, but beside us. */
async function untilNone(folder: string): Promise<void> {
  while (machinesOf(folder).length > 0) await Bun.sleep(5);
}
