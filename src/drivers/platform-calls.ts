/** Whose call it is. The guest vouches for its own ids only. */
export interface CallOwner {
  readonly invocationId: string;
  readonly requestId: string;
}

/** What serves the platform calls (`ctx.db`) of guests; the server gives it to every driver. */
export interface PlatformCalls {
  /** Opens the calls of one instance, once it has its function. */
  open(options: {
    readonly projectId: string;
    /** Adds a line of the platform's to the function's log. */
    readonly log: (level: "warn", message: string, owner: CallOwner) => void;
  }): CallSession;
}

/** The calls of one instance. */
export interface CallSession {
  /**
   * Serves one call; resolves with the JSON of its result. Rejects with an error whose `code` the
   * function sees, and whose `facts`, if it has any, too. The signal ends it early.
   */
  call(
    request: { readonly method: string; readonly params: unknown; readonly owner: CallOwner },
    signal: AbortSignal,
  ): Promise<string>;
  /** The invocation is over: nothing that it left open may stay open. */
  ended(invocationId: string): void;
  /** The instance is gone. */
  close(): void;
}
