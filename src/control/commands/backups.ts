import { BackupFault } from "../../domain/backup/backup-fault.ts";
import { parseRecipient } from "../../domain/backup/key-wrap.ts";
import { ReactorError } from "../../domain/errors.ts";
import type { BackupWishes } from "../backups.ts";
import type { BackupStream } from "../backup-stream.ts";
import type { CommandContext, CommandTable } from "../command.ts";

export const backupCommands: CommandTable<"backups.create"> = {
  "backups.create": {
    // Holds the code and the plain variables of every project: only for keys of no single one.
    access: () => ({ project: "*", scopes: ["backups:read"] }),
    subject: () => "*",
    async run(context, wishes) {
      const { recipient, databases } = wishes;
      const stream = await create(context, wishes);
      try {
        await context.change(async () => ({
          output: undefined,
          details: {
            id: stream.id,
            bytes: stream.bytes,
            key_wrapped: recipient !== undefined,
            databases,
          },
          touched: [],
        }));
        return stream;
      } catch (error) {
        await stream.close();
        throw error;
      }
    },
  },
};

async function create(
  { backups }: CommandContext,
  { recipient, ...wishes }: BackupWishes,
): Promise<BackupStream> {
  if (backups === undefined) {
    throw new ReactorError("conflict", "Cannot make a backup: this server keeps nothing on disk");
  }
  try {
    return await backups.create({ ...wishes, recipient: recipient && parseRecipient(recipient) });
  } catch (error) {
    if (!(error instanceof BackupFault)) throw error;
    throw new ReactorError("invalid_request", `Cannot make the backup: ${error.message}`, {
      cause: error,
    });
  }
}
