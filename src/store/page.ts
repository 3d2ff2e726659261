export interface Page<T> {
  readonly items: readonly T[];
  /** Pass as `cursor` for the next page; undefined on the last. */
  readonly nextCursor: string | undefined;
}

export interface PageRequest {
  readonly limit: number;
  readonly cursor: string | undefined;
}
