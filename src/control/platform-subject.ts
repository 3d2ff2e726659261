/** What a secret of the platform's own is bound to when it is sealed. */
export function platformSubject(name: string): { owner: string; key: string; version: number } {
  return { owner: "platform", key: name, version: 1 };
}
