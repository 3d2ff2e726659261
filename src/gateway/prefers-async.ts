/** Whether a `Prefer` header asks for an answer before the work is done (RFC 7240). */
export function prefersAsync(prefer: string): boolean {
  return prefer
    .split(",")
    .some((preference) => /^\s*respond-async\s*(?:;|$)/i.test(preference.slice(0, 100)));
}
