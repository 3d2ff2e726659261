import { denoWorkerFunctions } from "./deno-worker-functions.ts";
import { fluxFunctions } from "./flux-functions.ts";
import { microvmFunctions } from "./microvm-functions.ts";
import { reactorFunctions } from "./reactor-functions.ts";
import { sandboxFunctions } from "./sandbox-functions.ts";
import type { SourceText } from "./source-text.ts";

/** The five source texts, in the order of CONTRACT.md section 1. */
export const sourceTexts: readonly SourceText[] = [
  reactorFunctions,
  denoWorkerFunctions,
  fluxFunctions,
  sandboxFunctions,
  microvmFunctions,
];
