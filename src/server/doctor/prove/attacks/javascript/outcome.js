/** Runs each named try; its outcome is `ok` with what it got, or the code of the error. */
export async function outcomes(entries) {
  const found = {};
  for (const [name, work] of entries) {
    try {
      found[name] = `ok ${(await work()) ?? ""}`.trim();
    } catch (error) {
      found[name] = codeOf(error);
    }
  }
  return found;
}

/** What an error is called, without its message, which may hold a path or a value. */
export function codeOf(error) {
  return String(error?.code ?? error?.cause?.code ?? error?.name ?? error);
}

export function after(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
