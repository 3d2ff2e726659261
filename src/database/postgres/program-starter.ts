/** How a program ended; `error` when it could not be started. */
export interface ProgramEnd {
  readonly code: number | undefined;
  readonly signal: string | undefined;
  readonly error: string | undefined;
}

/** A program of the platform's own that runs beside the server. */
export interface Program {
  /** Settles once; never rejects. */
  readonly ended: Promise<ProgramEnd>;
  /** Does nothing once it has ended. */
  signal(name: "SIGINT" | "SIGQUIT" | "SIGKILL"): void;
}

export interface ProgramOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Whom it runs as when the server is root. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  /** Passed on as descriptors 3, 4, …. */
  readonly descriptors: readonly number[];
  /** Hears every line of its output, cut to size. */
  readonly onLine: (line: string) => void;
}

/** Starts and ends programs; the server gives one, since only drivers start processes. */
export interface ProgramStarter {
  start(options: ProgramOptions): Program;
  /** Ends a process that an earlier server left, when it is the one that has this argument; resolves whether it was. */
  endOrphan(orphan: { readonly pid: number; readonly argument: string }): Promise<boolean>;
  /** Whether any process works in this folder. */
  isWorkedIn(folder: string): boolean;
}
