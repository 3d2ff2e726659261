import { join } from "node:path";
import { root } from "../test/e2e/reactor.ts";
import type { World } from "./world.ts";

/** Starts a server of the world and kills it after `afterMs`, whatever it has come to by then. */
export async function killWhileStarting(world: World, afterMs: number): Promise<void> {
  const serve = ["serve", "--listen", "127.0.0.1:0", "--data-dir", world.dataDir];
  const engine = process.env["REACTOR_ENGINE"];
  const child = Bun.spawn([join(root, "bin/reactor"), ...serve], {
    cwd: root,
    env: {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      HOME: process.env["HOME"] ?? "/root",
      ...(engine === undefined ? {} : { REACTOR_ENGINE: engine }),
      ...world.env,
    },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  await Bun.sleep(afterMs);
  child.kill("SIGKILL");
  await child.exited;
}
