/** What the promise rejects with. Throws when it does not reject. */
export async function rejectionOf(work: Promise<unknown>): Promise<unknown> {
  const outcome = await work.then(
    (value) => ({ value }),
    (reason: unknown) => ({ reason }),
  );
  if ("reason" in outcome) return outcome.reason;
  throw new Error(`Expected a rejection, got ${JSON.stringify(outcome.value)}`);
}
