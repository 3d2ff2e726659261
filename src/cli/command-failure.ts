/** A command that could not do its work, said in one sentence, with the command to try next. */
export class CommandFailure extends Error {
  readonly next: string | undefined;

  constructor(message: string, options: { next?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CommandFailure";
    this.next = options.next;
  }
}
