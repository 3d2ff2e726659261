/** An argument of a system call. */
export type Argument =
  | number
  | string
  /** Memory with these bytes, in base64. */
  | { readonly bytes: string }
  /** A descriptor of the file or folder. */
  | { readonly open: string }
  /** A struct iovec of memory of its own with that many bytes. */
  | { readonly vector: number };

/** A system call that leads out of a sandbox, or to what was used to get out of one. */
export interface RawCall {
  readonly name: string;
  readonly number: number;
  readonly args: readonly Argument[];
  /** It may fork, or changes the process that makes it. */
  readonly childOnly?: true;
}

/**
 * What hostile code aims at. It is told where things are, never what they say: text of the form
 * `reactor-canary-<kind>-<32 hex digits>` proves that something was really reached.
 */
export interface Aims {
  /** Files of the data folder. */
  readonly dataFiles: readonly string[];
  readonly dataFolder: string;
  /** A file of the host that every user may read. */
  readonly publicFile: string;
  /** One that every user may write. */
  readonly openFile: string;
  /** The name by which the folder of the two would be seen in the host's temporary folder. */
  readonly temporaryName: string;
  /** Begins the paths of what it writes to its own temporary folder. */
  readonly scratch: string;
  readonly sharedMemoryFile: string;
  readonly sharedMemoryKey: number;
  /** A source of the server. */
  readonly serverSource: string;
  readonly runFolder: string;
  /** Process ids of the host, of processes whose command line holds the marker. */
  readonly serverPid: number;
  readonly victimPid: number;
  readonly processMarker: string;
  readonly serverPort: number;
  /** Answers with a canary on every address of the host. */
  readonly tcpPort: number;
  readonly udpPort: number;
  readonly addresses: readonly string[];
  readonly unixSocket: string;
  readonly abstractSocket: string;
  /** What another function has. */
  readonly neighbour: {
    /** A file of its temporary folder, with its secret in it. */
    readonly file: string;
    readonly tcpPort: number;
    readonly unixSocket: string;
    readonly abstractSocket: string;
  };
  /** Whether it starts processes that end with nothing; without a sandbox nobody would end them. */
  readonly leavesProcesses: boolean;
  readonly calls: readonly RawCall[];
  /** Machine code that unshares a user namespace and exits with the error's number, in base64; empty: none for this processor. */
  readonly programs: { readonly native: string; readonly foreign: string };
}
