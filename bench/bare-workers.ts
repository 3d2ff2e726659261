import { join } from "node:path";
import { benchRuntime } from "./runtimes.ts";

/** A plain Deno program that makes Web Workers with net permission only; no sandbox is around it. */
export interface BareWorkers {
  /** Makes a worker, calls it once and ends it. */
  first(): Promise<FirstCall>;
  /** Milliseconds of each of `count` round trips to a worker that is kept. */
  warm(count: number): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** Milliseconds from the code in hand. */
export interface FirstCall {
  /** Until it is said to be ready. */
  readonly readyMs: number;
  /** Until its first answer. */
  readonly answerMs: number;
}

export interface Script {
  /** Defines `handler`. */
  readonly code: string;
  readonly input: unknown;
  /** What it must answer. */
  readonly answer: unknown;
}

/** Starts the program; its workers run the script. */
export function openBareWorkers({ code, input, answer }: Script): BareWorkers {
  const file = join(import.meta.dirname, "peers/bare-deno-worker.js");
  const flags = ["--quiet", "--no-prompt", "--no-config", "--no-lock", "--unstable-worker-options"];
  const said = [code, JSON.stringify(input), JSON.stringify(answer)];
  const child = Bun.spawn(
    [benchRuntime("deno").binary(), "run", ...flags, "--allow-net", file, ...said],
    { stdin: "pipe", stdout: "pipe", stderr: "inherit", env: { NO_COLOR: "1", HOME: "/tmp" } },
  );
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const ask = async (count: number): Promise<unknown> => {
    void child.stdin.write(`${count}\n`);
    await child.stdin.flush();
    let line = "";
    while (!line.endsWith("\n")) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`The bare workers ended with ${await child.exited}`);
      line += value;
    }
    return JSON.parse(line);
  };
  return {
    first: async () => (await ask(0)) as FirstCall,
    warm: async (count) => (await ask(count)) as readonly number[],
    async close() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
