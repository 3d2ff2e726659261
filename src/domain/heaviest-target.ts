/** The target with the most weight, the first of equals; undefined when there is none. */
export function heaviestTarget<T extends { readonly weight: number }>(
  targets: readonly T[],
): T | undefined {
  return targets.reduce<T | undefined>(
    (best, target) => (best === undefined || target.weight > best.weight ? target : best),
    undefined,
  );
}
