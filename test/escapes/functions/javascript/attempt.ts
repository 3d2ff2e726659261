import process from "node:process";

/** What became of one escape. */
export interface Attempt {
  readonly name: string;
  /**
   * `escaped`: it got something real. `absent`: the machine lacks what it needs. `broken`: the probe
   * itself failed, so that nothing is known.
   */
  readonly outcome: "escaped" | "refused" | "absent" | "broken";
  readonly detail: string;
}

/** Tries; gives the evidence when it got something real, nothing or "" when not, or throws. */
export type Way = () => unknown;

export interface Escape {
  readonly name: string;
  readonly ways: Readonly<Record<string, Way>>;
}

const wayMsMax = 5_000;
const detailCharsMax = 600;
const canary = /reactor-canary-[a-z]+-[0-9a-f]{32}/g;

/** A canary in the text that is not its own secret. */
export function canaryIn(text: string): string | undefined {
  for (const [found] of text.matchAll(canary)) {
    if (found !== process.env["OWN"]) return found;
  }
  return undefined;
}

/** Thrown when the machine lacks what a way needs. */
export class Absent extends Error {
  override readonly name = "Absent";
}

/** Thrown when the answer shows that nothing was reached. */
export class Refused extends Error {
  override readonly name = "Refused";
}

/** Tries every way of an escape, one after the other. */
export async function attempt({ name, ways }: Escape): Promise<Attempt> {
  const seen = new Set<Attempt["outcome"]>();
  const details: string[] = [];
  for (const [by, way] of Object.entries(ways)) {
    const { outcome, detail } = await tryOnce(way);
    if (outcome === "escaped") return { name, outcome, detail: `${by}: ${detail}` };
    seen.add(outcome);
    details.push(`${by}: ${detail}`);
  }
  const order = ["broken", "refused", "absent"] as const;
  const outcome = order.find((candidate) => seen.has(candidate)) ?? "absent";
  return { name, outcome, detail: details.join("; ").slice(0, detailCharsMax) };
}

async function tryOnce(way: Way): Promise<Pick<Attempt, "outcome" | "detail">> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Refused("no answer")), wayMsMax);
  });
  try {
    const evidence = await Promise.race([Promise.resolve().then(way), late]);
    if (typeof evidence === "string" && evidence !== "") {
      return { outcome: "escaped", detail: evidence.slice(0, detailCharsMax) };
    }
    return { outcome: "refused", detail: "nothing" };
  } catch (error) {
    return explain(error);
  } finally {
    clearTimeout(timer);
  }
}

const refusals = /^(?:Refused|NotCapable|PermissionDenied|NotFound|ConnectionRefused|TimedOut)$/;

function explain(error: unknown): Pick<Attempt, "outcome" | "detail"> {
  if (!(error instanceof Error)) return { outcome: "broken", detail: String(error) };
  if (error instanceof Absent) return { outcome: "absent", detail: error.message };
  const code = codeOf(error);
  if (code !== undefined) return { outcome: "refused", detail: code };
  if (error.message.endsWith("is not supported in workers")) {
    return { outcome: "refused", detail: error.message };
  }
  const said = `${error.name}: ${error.message}`.slice(0, 120);
  return { outcome: refusals.test(error.name) ? "refused" : "broken", detail: said };
}

/** The system's or the runtime's code for why something was not done. */
function codeOf(error: Error): string | undefined {
  const info: unknown = Reflect.get(error, "info");
  if (typeof info === "object" && info !== null) {
    // node:os wraps what the system said.
    return codeOf(Object.assign(new Error(), { code: Reflect.get(info, "code") }));
  }
  const code: unknown = Reflect.get(error, "code");
  if (
    typeof code === "string" &&
    /^(?:E[A-Z0-9]+|ERR_ACCESS_DENIED|ConnectionRefused)$/.test(code)
  ) {
    return code;
  }
  return error.cause instanceof Error ? codeOf(error.cause) : undefined;
}
