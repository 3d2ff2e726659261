import { CommandFailure } from "../../cli/command-failure.ts";
import { BackupFault } from "../../domain/backup/backup-fault.ts";
import { ConfigError } from "../config/config-error.ts";

/** Says what is wrong with a backup, or with a key file, as the failure of a command. */
export function explainFault(error: unknown, next: string): never {
  if (error instanceof BackupFault || error instanceof ConfigError) {
    throw new CommandFailure(error.message, { next, cause: error });
  }
  throw error;
}
