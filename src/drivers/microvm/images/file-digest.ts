import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";

const pieceBytes = 1_048_576;

/** SHA-256 of a file as 64 hex digits; reads it piece by piece. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: pieceBytes }), hash);
  return hash.digest("hex");
}
