import type { Reaches } from "./runtime-parts.ts";

/** What the guest needs from the runtime it runs on; each JavaScript driver's guest entry gives one. */
export interface GuestPlatform {
  readonly runtime: string;
  readonly runtimeVersion: string;
  readonly pid: number;
  /** The live environment (`process.env`). */
  readonly env: Record<string, string | undefined>;
  /** Renders arguments as the runtime's own `console.log` does, without colours. */
  format(args: readonly unknown[]): string;
  /** Renders one value as the runtime's own `console.dir` does. */
  inspect(value: unknown, options: unknown): string;
  /** Renders rows as the runtime's own `console.table` does, without a trailing newline. */
  table(rows: unknown, columns: readonly string[] | undefined): string;
  /** Imports one ES module from its source text, which is only valid during the call. */
  importModule(code: Uint8Array, reaches: Reaches): ImportingModule;
  /** Forgets a module that was imported and has no effect; absent where nothing is left of one. */
  forgetModule?(url: string): void;
  /**
   * Ends what the runtime has begun by itself, such as a collection of garbage, so that it does not go
   * on beside a function's start; absent where there is no way to.
   */
  rest?(): void;
  /**
   * Makes the runtime's own generators draw from the system's again; absent where they do when the
   * clock leaps. For a clone of a machine, whose memory has what its siblings have.
   */
  renewRandomness?(): void;
  /**
   * Forgets random bytes that the runtime drew ahead for a module; absent where `renewRandomness` does
   * it. For a clone that had its function before it was copied.
   */
  dropDrawnAhead?(): void;
  /** Draws from generators that draw from the system's anew when the clock leaps, so that they know the time. */
  noteTime?(): void;
  /** Ends the process. */
  exit(code: number): void;
}

export interface ImportingModule {
  /** What stack traces call the module. */
  readonly url: string;
  /** What messages of resolving call it instead, where they do. */
  readonly path?: string;
  /** Rejects with what the import threw. */
  readonly exports: Promise<Readonly<Record<string, unknown>>>;
}
