import fs from "node:fs";
import process from "node:process";
import { outputOf } from "./machine.ts";

/** Ports that somebody listens on in its network, as the kernel writes them. */
function listening(): string[] {
  return ["tcp", "tcp6"].flatMap((name) =>
    fs
      .readFileSync(`/proc/self/net/${name}`, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .flatMap(([, address = "", , state]) => (state === "0A" ? [address] : [])),
  );
}

/** Sends itself a signal in every way, and says which ports it opened within half a second. */
export async function signalItself(
  signal: NodeJS.Signals,
): Promise<{ opened: string[] } | { refused: string }> {
  try {
    const before = listening();
    process.kill(process.pid, signal);
    outputOf("/bin/sh", ["-c", `kill -s ${signal.slice(3)} ${process.pid}`]);
    let opened: string[] = [];
    for (let turn = 0; turn < 20 && opened.length === 0; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 25));
      opened = listening().filter((address) => !before.includes(address));
    }
    return { opened };
  } catch (error) {
    return { refused: (error as Error).name };
  }
}
