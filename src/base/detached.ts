/**
 * A copy of Latin-1 text that shares no memory with it. Engines cut text by pointing into the
 * original, so a short piece that is kept would keep all of what it was cut from.
 */
export function detached(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
