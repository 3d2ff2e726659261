import type { Log } from "../base/log.ts";
import type { BackupStream } from "../control/backup-stream.ts";

export interface BackupBodyOptions {
  readonly stream: BackupStream;
  /** Whether the credential that asked is still good. */
  readonly mayGoOn: () => boolean;
  /** Cuts the client's connection. */
  readonly disconnect: () => void;
  readonly log: Log;
}

/** A backup as the body of an answer. One that cannot be finished cuts the connection. */
export function backupBody(options: BackupBodyOptions): ReadableStream<Uint8Array> {
  const { stream, mayGoOn, disconnect, log } = options;
  const chunks = stream.chunks[Symbol.asyncIterator]();
  const breakOff = (controller: ReadableStreamDefaultController, why: string): void => {
    log.warn("A backup broke off", { backup_id: stream.id, error: why });
    // An errored stream would have the listener append the error's text to the archive.
    disconnect();
    controller.close();
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await chunks.next();
          if (done === true) controller.close();
          else if (mayGoOn()) controller.enqueue(value);
          else {
            await stream.close();
            breakOff(controller, "the key that asked for it was revoked");
          }
        } catch (error) {
          await stream.close();
          breakOff(controller, error instanceof Error ? error.message : String(error));
        }
      },
      cancel: () => stream.close(),
    },
    { highWaterMark: 0 },
  );
}
