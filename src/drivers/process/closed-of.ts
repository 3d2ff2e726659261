import type { Socket } from "node:net";
import type { Readable } from "node:stream";

/** Resolves once nothing more can come of the source, however it ended. */
export function closedOf(source: Readable | Socket | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (source === undefined || source.destroyed || source.readableEnded) resolve();
    else {
      source.once("end", resolve);
      source.once("close", resolve);
    }
  });
}
