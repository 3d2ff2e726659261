/** Elements of a list or map in a claim. */
export const claimElementsMax = 256;
const depthMax = 8;

/**
 * Whether a claim is small enough for rules to go through: at most 256 elements in each list or map,
 * 8 levels deep. What an expression may cost is counted with that.
 */
export function isBoundedClaim(value: unknown, depth = depthMax): boolean {
  if (typeof value !== "object" || value === null) return true;
  const members = Object.values(value);
  if (depth === 0 || members.length > claimElementsMax) return false;
  return members.every((member) => isBoundedClaim(member, depth - 1));
}
