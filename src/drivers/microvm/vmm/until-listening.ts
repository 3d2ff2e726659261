import { connect } from "node:net";
import type { Clock } from "../../../base/clock.ts";

/** Between two looks. A socket's file is there before its owner listens, and nothing tells when it does. */
const lookAgainMs = 5;

/** Resolves once somebody accepts connections at the path; rejects when the signal aborts first. */
export async function untilListening(
  path: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!(await isListening(path))) await clock.sleep(lookAgainMs, signal);
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
