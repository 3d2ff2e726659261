import { callerThreats } from "./rows/caller-threats.ts";
import { dataThreats } from "./rows/data-threats.ts";
import { edgeThreats } from "./rows/edge-threats.ts";
import { reviewThreats } from "./rows/review-threats.ts";
import { sandboxThreats } from "./rows/sandbox-threats.ts";
import type { Threat } from "./threat.ts";

/** Every threat that the product defends against, T1–T27 and then what review found, with what shows it. */
export const threats: readonly Threat[] = [
  ...sandboxThreats,
  ...dataThreats,
  ...callerThreats,
  ...edgeThreats,
  ...reviewThreats,
].toSorted((a, b) => rank(a) - rank(b));

function rank({ id }: Threat): number {
  return Number(id.slice(1)) + (id.startsWith("R") ? 100 : 0);
}
