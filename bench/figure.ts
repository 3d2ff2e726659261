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

export type Figure = (effort: Effort) => Promise<readonly FigureRow[]>;

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
