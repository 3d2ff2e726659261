import { join } from "node:path";

export interface WrkResult {
  readonly requestsPerSecond: number;
  readonly requests: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly errors: number;
  /** What wrk said about them, empty without any. */
  readonly errorText: string;
  /** Share of the wall clock that the generator's core was busy, 0 to 1. */
  readonly generatorBusy: number;
}

export interface WrkOptions {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly core: number;
  /** Pause of each connection between requests, in milliseconds. */
  readonly pauseMs?: number;
}

const unitUs: Readonly<Record<string, number>> = { us: 1, ms: 1000, s: 1_000_000 };

function latencyUs(output: string, percentile: string): number {
  const match = new RegExp(`${percentile}%\\s+([\\d.]+)(us|ms|s)`).exec(output);
  if (match === null) throw new Error(`wrk printed no ${percentile} %: ${output}`);
  return Number(match[1]) * (unitUs[match[2] as string] as number);
}

/** Runs wrk with the echo script on its own core. */
export async function wrk(options: WrkOptions): Promise<WrkResult> {
  const startedAt = performance.now();
  const child = Bun.spawn(
    [
      "taskset",
      "-c",
      String(options.core),
      "wrk",
      "-t1",
      `-c${options.connections}`,
      `-d${options.seconds}s`,
      "--latency",
      "-s",
      join(import.meta.dirname, "peers/echo.lua"),
      options.url,
    ],
    {
      stdout: "pipe",
      env: {
        PATH: process.env["PATH"] ?? "/usr/bin:/bin",
        ...(options.pauseMs === undefined ? {} : { PAUSE_MS: String(options.pauseMs) }),
      },
    },
  );
  const output = await new Response(child.stdout).text();
  await child.exited;
  const wallUs = (performance.now() - startedAt) * 1000;
  const usage = child.resourceUsage();
  const count = /(\d+) requests in/.exec(output);
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(output);
  if (count === null || rate === null) throw new Error(`wrk printed no totals: ${output}`);
  const non2xx = /Non-2xx or 3xx responses: (\d+)/.exec(output);
  const socket = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(
    output,
  );
  const socketErrors = socket === null ? 0 : socket.slice(1).reduce((sum, n) => sum + Number(n), 0);
  return {
    errorText: [non2xx?.[0], socket?.[0]].filter((said) => said !== undefined).join("; "),
    requestsPerSecond: Number(rate[1]),
    requests: Number(count[1]),
    p50Us: latencyUs(output, "50"),
    p99Us: latencyUs(output, "99"),
    errors: Number(non2xx?.[1] ?? 0) + socketErrors,
    generatorBusy: usage === undefined ? 0 : Number(usage.cpuTime.total) / wallUs,
  };
}
