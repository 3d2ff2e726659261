import { spawn } from "node:child_process";
import net from "node:net";
import process from "node:process";
import type { Aims } from "./aims.ts";
import { attempt, type Attempt } from "./attempt.ts";
import { readingEscapes, writingEscapes } from "./file-escapes.ts";
import { kernelEscapes } from "./kernel-escapes.ts";
import { networkEscapes } from "./network-escapes.ts";
import { processEscapes } from "./process-escapes.ts";
import { signalItself } from "./signal-itself.ts";

async function probe(aims: Aims): Promise<Attempt[]> {
  const escapes = [
    // First, while nothing that it found elsewhere is in its memory.
    ...processEscapes(aims),
    ...readingEscapes(aims),
    ...writingEscapes(aims),
    ...(await kernelEscapes(aims)),
  ];
  const attempts: Attempt[] = [];
  for (const escape of escapes) attempts.push(await attempt(escape));
  // These wait for answers, so they wait together.
  return [...attempts, ...(await Promise.all(networkEscapes(aims).map(attempt)))];
}

/** Listens where the host would reach it if its network were shared; gives the port. */
function listen(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer((socket) => socket.end(process.env["OWN"] ?? ""));
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as net.AddressInfo).port));
  });
}

/** Starts what would go on when the instance and the server have ended. */
function leaveBehind({ processMarker }: Aims): void {
  const args = ["/bin/sh", "-c", "while :; do sleep 1; done", `${processMarker}-left`];
  const child = spawn("/usr/bin/setsid", args, { detached: true, stdio: "ignore" });
  // Deno starts nothing, and says so later.
  child.on("error", () => undefined);
}

export default {
  async fetch(request: Request): Promise<Response> {
    const aims = (await request.json()) as Aims | { readonly signal: NodeJS.Signals };
    if ("signal" in aims) return Response.json(await signalItself(aims.signal));
    const report = { attempts: await probe(aims), listeningPort: await listen() };
    if (aims.leavesProcesses) leaveBehind(aims);
    return Response.json(report);
  },
};
