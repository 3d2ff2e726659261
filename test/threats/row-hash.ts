import { sha256Hex } from "../../src/base/digest.ts";
import type { Threat } from "./threat.ts";

/** Names the removals of a row as they are: a result with another hash is of an older table. */
export function rowHash({ id, removals }: Threat): string {
  return sha256Hex(JSON.stringify([id, removals])).slice(0, 16);
}
