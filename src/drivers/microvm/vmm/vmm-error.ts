/** What went wrong with a virtual machine, or why there can be none. */
export type VmmFailure =
  /** A program, a device or the sandbox that it takes is not on this machine. */
  | "unavailable"
  /** The machine did not come up. */
  | "boot"
  /** The machine could not be made of its snapshot. */
  | "restore"
  | "snapshot"
  /** The VMM said something that its protocol does not allow, or nothing in time. */
  | "protocol"
  /** The VMM refused a command. */
  | "refused"
  /** The machine has ended. */
  | "ended"
  | "closed";

/** A failure of a virtual machine or its monitor; the message says what was tried and what is needed. */
export class VmmError extends Error {
  readonly failure: VmmFailure;

  constructor(failure: VmmFailure, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "VmmError";
    this.failure = failure;
  }
}

/** What an error says, in one line of at most 500 characters: it may come from a hostile process. */
export function sayingOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  // oxlint-disable-next-line no-control-regex -- they are what is taken out
  return text.slice(0, 500).replace(/[\u0000-\u001f\u007f]+/g, " ");
}
