const wordLengthMax = 64;

/**
 * The candidate that takes the fewest edits (insert, delete, replace, swap of neighbours) to reach
 * from `word`; the first of equals. Undefined when none is within `distanceMax` edits. Words longer
 * than 64 characters are compared by their beginning, so that the cost is bounded.
 */
export function nearestKey(
  word: string,
  candidates: Iterable<string>,
  distanceMax: number = Number.POSITIVE_INFINITY,
): string | undefined {
  const wanted = word.slice(0, wordLengthMax).toLowerCase();
  let best: string | undefined;
  let bestDistance = distanceMax + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.slice(0, wordLengthMax).toLowerCase());
    if (distance < bestDistance || (best === undefined && distance <= distanceMax)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** How many edits still count as a typing mistake in a word of this length. */
export function typoDistance(word: string): number {
  return Math.max(1, Math.floor(Math.min(word.length, wordLengthMax) / 3));
}

function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(
        at(previous, j) + 1,
        at(row, j - 1) + 1,
        at(previous, j - 1) + (same ? 0 : 1),
      );
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, at(beforePrevious, j - 2) + 1);
      row.push(cost);
    }
    beforePrevious = previous;
    previous = row;
  }
  return at(previous, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
