/** Why a backup file cannot be used, in one sentence: what is wrong and where in the file. */
export class BackupFault extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "BackupFault";
  }
}
