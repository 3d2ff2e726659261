/** A signal that follows several others until it is released. */
export interface LinkedAbort extends Disposable {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
}

/**
 * Links signals like `AbortSignal.any`, but lets go of them at the end: one of them may live as long
 * as the server, and would otherwise remember every short one.
 */
export function linkAborts(sources: readonly AbortSignal[]): LinkedAbort {
  const controller = new AbortController();
  const listeners = sources.map((source) => {
    const follow = (): void => controller.abort(source.reason);
    if (source.aborted) follow();
    else source.addEventListener("abort", follow, { once: true });
    return () => source.removeEventListener("abort", follow);
  });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    [Symbol.dispose]() {
      for (const remove of listeners) remove();
    },
  };
}
