/** Runs the callback at the end of the current turn of the event loop, after all ready I/O. */
export function endOfTurn(callback: () => void): void {
  setImmediate(callback);
}
