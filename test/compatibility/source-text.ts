import { type CapabilityName, capabilities } from "./capabilities.ts";
import type { World } from "./world.ts";

/** One code block, command line, endpoint, manifest, header or limit of a source text. */
export interface Entry {
  /** First and last line in the source's file, counted from 1. */
  readonly lines: readonly [number, number];
  /** The text exactly as it stands there, line by line. */
  readonly block: string | readonly string[];
  /** What it needs; empty for a picture, which asks for nothing. */
  readonly needs: readonly CapabilityName[];
  /** Placeholders of the text, and the world's value that is typed in their place. */
  readonly replace?: Readonly<Record<string, string>>;
  /**
   * Does what the text says and throws when the outcome is not as the text says. Receives the block
   * with its placeholders replaced. Entries of one source run in order on one server.
   */
  readonly run?: (world: World, block: string) => Promise<void>;
}

/** Everything in one source text that a user could type or rely on. */
export interface SourceText {
  /** Whose users the text is for. */
  readonly family: string;
  /** Name of the file in the folder of sources. */
  readonly file: string;
  readonly entries: readonly Entry[];
}

export function blockText({ block }: Entry): string {
  return typeof block === "string" ? block : block.join("\n");
}

/** What the entry needs and this version does not have. */
export function missingOf({ needs }: Entry): readonly CapabilityName[] {
  return needs.filter((name) => !capabilities[name].built);
}

/** Covered runs whole, partly runs as far as what is built reaches, picture asks for nothing. */
export function stateOf(entry: Entry): "covered" | "partly" | "pending" | "picture" {
  if (entry.needs.length === 0) return "picture";
  if (entry.run === undefined) return "pending";
  return missingOf(entry).length === 0 ? "covered" : "partly";
}
