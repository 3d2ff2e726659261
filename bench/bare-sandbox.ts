import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createDeferred, type Deferred } from "../src/base/deferred.ts";
import { systemRandom } from "../src/base/random.ts";
import { openRunDir, type RunSlot } from "../src/drivers/process/run-dir.ts";
import { guestCommand, type SandboxProfile } from "../src/drivers/process/sandbox-command.ts";
import { seccompFilter } from "../src/drivers/process/seccomp-filter.ts";
import type { BenchRuntime } from "./runtimes.ts";

/** The runtime in Reactor's own sandbox with the function's code and nothing of Reactor around it. */
export interface BareSandbox {
  /** Spawns one and resolves with the milliseconds until the first byte of its answer. */
  sampleMs(): Promise<number>;
  /** Spawns `count` at once and resolves with the milliseconds until all have answered. */
  burstMs(count: number): Promise<number>;
  /** Writes the program to disk, spawns it and resolves with the milliseconds until the first byte. */
  deployMs(program: string): Promise<number>;
  close(): Promise<void>;
}

interface Start {
  readonly slot: RunSlot;
  readonly firstByte: Deferred<number>;
  close(): void;
}

/** Prepares the bare side of figures 3, 4 and 7: the runtime with a program of its own, by default its hello. */
export async function openBareSandbox(
  runtime: BenchRuntime,
  program: string = runtime.bareClient,
): Promise<BareSandbox> {
  const folder = await mkdtemp(join(tmpdir(), "reactor-bare-"));
  const runDir = openRunDir({ path: join(folder, "run"), random: systemRandom });
  await chmod(folder, 0o755);
  const file = `bare${runtime.extension}`;
  const bwrap = Bun.which("bwrap") ?? undefined;
  const profile: SandboxProfile = {
    tier: bwrap === undefined ? 0 : 1,
    bwrap,
    groups: undefined,
    groupPrefix: "bare",
    processesMax: 256,
    runtimePath: runDir.publishBinary("runtime", runtime.binary()),
    runtimeArgs: runtime.args,
    unsandboxedArgs: [],
    runtimeEnv: {},
    mounts: [],
    guestPath: runDir.publish(file, program),
    filterPath: runDir.publish(
      "filter.bpf",
      seccompFilter(process.arch === "arm64" ? "arm64" : "x64"),
    ),
    tmpBytesMax: 64 * 1024 * 1024,
  };
  /** Everything that is not the sandboxed start itself, done before the clock runs. */
  const prepare = async (): Promise<Start> => {
    const slot = runDir.openSlot();
    const firstByte = createDeferred<number>();
    const listener = createServer((socket) => {
      socket.once("data", () => firstByte.resolve(performance.now()));
      socket.on("error", () => undefined);
      socket.write("go");
    });
    await new Promise<void>((resolve) => listener.listen(slot.socketPath, resolve));
    await chmod(slot.socketPath, 0o777);
    const close = (): void => {
      listener.close();
      slot.release();
    };
    return { slot, firstByte, close };
  };
  const launch = async (start: Start): Promise<number> => {
    const { slot, firstByte } = start;
    const command = guestCommand(profile, slot);
    const startedAtMs = performance.now();
    const filter = command.needsFilter ? openSync(profile.filterPath, "r") : "ignore";
    const child = spawn(command.file, [...command.args], {
      env: command.env,
      stdio: ["ignore", "ignore", "ignore", filter],
      ...(command.uid === undefined ? {} : { uid: command.uid, gid: command.uid }),
    });
    if (typeof filter === "number") closeSync(filter);
    const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
    void exited.then((code) => firstByte.reject(new Error(`The bare sandbox exited with ${code}`)));
    try {
      return (await firstByte.promise) - startedAtMs;
    } finally {
      child.kill("SIGKILL");
      await exited;
      start.close();
    }
  };
  return {
    sampleMs: async () => launch(await prepare()),
    async deployMs(next) {
      const start = await prepare();
      const startedAtMs = performance.now();
      runDir.publish(file, next);
      const writtenMs = performance.now() - startedAtMs;
      return writtenMs + (await launch(start));
    },
    async burstMs(count) {
      const starts = await Promise.all(Array.from({ length: count }, prepare));
      const startedAtMs = performance.now();
      const answered = Promise.all(starts.map((start) => start.firstByte.promise));
      const launched = starts.map(launch);
      await answered;
      const elapsedMs = performance.now() - startedAtMs;
      await Promise.all(launched);
      return elapsedMs;
    },
    async close() {
      runDir.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
