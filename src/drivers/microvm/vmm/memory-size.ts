/** Memory sizes that machines are made with, in MB: a template serves one of them. */
const memorySizesMb = [128, 256, 512, 1024, 2048, 3072] as const;
export type MemorySizeMb = (typeof memorySizesMb)[number];

/** The smallest size that has room for `memoryMb`; undefined when there is none. */
export function memorySizeFor(memoryMb: number): MemorySizeMb | undefined {
  return memorySizesMb.find((size) => size >= memoryMb);
}
