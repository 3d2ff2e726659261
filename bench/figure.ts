import type { BenchRuntime } from "./runtimes.ts";

/** One row of the table. */
export interface FigureRow {
  /** Number in PERFORMANCE, e.g. `1` or `4b`. */
  readonly figure: string;
  readonly what: string;
  /** Platform divided by reference. */
  readonly ratio: number;
  readonly min: number;
  readonly max: number;
  /** First gate as text, e.g. `>= 0.40`. */
  readonly gate: string;
  readonly passed: boolean;
  /** Measured values behind the ratio, in words. */
  readonly note: string;
}

/** Measures one figure; those that are measured per runtime do so for each of `runtimes`. */
export type Figure = (
  effort: Effort,
  runtimes: readonly BenchRuntime[],
) => Promise<readonly FigureRow[]>;

/** Number of a runtime's row; Bun's have the plain one. */
export function figureOf(figure: string, { name }: BenchRuntime): string {
  return name === "bun" ? figure : `${figure} ${name}`;
}

/** Measures for one runtime after the other. */
export function perRuntime(
  measure: (effort: Effort, runtime: BenchRuntime) => Promise<readonly FigureRow[]>,
): Figure {
  return async (effort, runtimes) => {
    const rows: FigureRow[] = [];
    for (const runtime of runtimes) rows.push(...(await measure(effort, runtime)));
    return rows;
  };
}

/** How long to measure; `full` follows PERFORMANCE to the letter. */
export interface Effort {
  readonly rounds: number;
  readonly warmupSeconds: number;
  readonly seconds: number;
  readonly functions: number;
}

export const efforts = {
  full: { rounds: 5, warmupSeconds: 3, seconds: 8, functions: 200 },
  /** Shorter runs of the same order, for a machine that is needed for other things too. */
  medium: { rounds: 3, warmupSeconds: 2, seconds: 5, functions: 200 },
  quick: { rounds: 2, warmupSeconds: 1, seconds: 3, functions: 40 },
} as const satisfies Record<string, Effort>;

export const round3 = (value: number): number => Math.round(value * 1000) / 1000;
