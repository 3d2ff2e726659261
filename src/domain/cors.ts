/** Which pages of other origins may call a function from a browser. */
export interface ManifestCors {
  /** Origins as browsers send them, or `*` alone for every origin. */
  readonly origins: readonly string[];
  /** Undefined: the method of the route, or all of them. */
  readonly methods: readonly string[] | undefined;
  /** Request headers that a page may send beside the safelisted ones. */
  readonly headers: readonly string[];
  /** Response headers that a page may read beside the safelisted ones. */
  readonly exposeHeaders: readonly string[];
  /** Whether cookies and the browser's own credentials may come along. */
  readonly credentials: boolean;
  readonly maxAgeSecs: number;
}
