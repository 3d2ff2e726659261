import type { PromotionRecord } from "./function.ts";

/**
 * The deployments that a walk of rollbacks passes, the one in force last. Promotions are replayed
 * oldest first as a stack: a promote pushes its deployment (unless it is on top already); a rollback
 * takes off everything above the deployment it went to, or pushes it when it was never there. So two
 * rollbacks in a row go two steps back, and a promote after them starts from there.
 */
export function promotionStack(promotions: readonly PromotionRecord[]): readonly string[] {
  const stack: string[] = [];
  for (const { kind, deploymentId } of promotions) {
    const position = stack.lastIndexOf(deploymentId);
    if (kind === "rollback" && position !== -1) stack.length = position + 1;
    else if (stack.at(-1) !== deploymentId) stack.push(deploymentId);
  }
  return stack;
}
