/** The command line itself is wrong; exit code 2. */
export class UsageError extends Error {
  readonly next: string | undefined;

  constructor(message: string, options: { next?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "UsageError";
    this.next = options.next;
  }
}
