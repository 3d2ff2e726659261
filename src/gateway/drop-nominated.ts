/**
 * Removes from a flat list of names and values the headers that a `Connection` header names: they
 * are for one hop only.
 */
export function dropNominated(list: string[], connection: string): void {
  const names = new Set(
    connection
      .toLowerCase()
      .split(",")
      .map((name) => name.trim()),
  );
  const all = list.splice(0);
  for (let i = 0; i + 1 < all.length; i += 2) {
    const name = all[i] as string;
    if (!names.has(name.toLowerCase())) list.push(name, all[i + 1] as string);
  }
}
