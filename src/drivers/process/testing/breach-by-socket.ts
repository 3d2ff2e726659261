import assert from "node:assert/strict";
import { dlopen } from "bun:ffi";
import { readdirSync, readlinkSync } from "node:fs";
import type { Instance } from "../../driver.ts";

const pidfdOpen = 434;
const pidfdGetfd = 438;
const messageNoSignal = 0x4000;

/**
 * Sends bytes that are no frames from inside the instance's process, over every socket that it has,
 * as hostile code could. For tests as root only.
 */
export function breachBySocket(instance: Pick<Instance, "pids">): void {
  const pid = instance.pids.at(-1);
  assert(pid !== undefined, "the instance has no process");
  const library = dlopen("libc.so.6", {
    syscall: { args: ["i64", "i64", "i64", "i64"], returns: "i64" },
    send: { args: ["int", "ptr", "u64", "int"], returns: "i64" },
    close: { args: ["int"], returns: "int" },
  });
  const garbage = new Uint8Array(64).fill(0xff);
  const { symbols } = library;
  const pidfd = symbols.syscall(pidfdOpen, pid, 0, 0);
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    if (!readlinkSync(`/proc/${pid}/fd/${name}`).startsWith("socket:")) continue;
    const copy = Number(symbols.syscall(pidfdGetfd, pidfd, Number(name), 0));
    symbols.send(copy, garbage, garbage.length, messageNoSignal);
    symbols.close(copy);
  }
  symbols.close(Number(pidfd));
  library.close();
}
