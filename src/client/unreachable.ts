import { ClientError } from "./client-error.ts";

/** The error of a call that got no answer: says which URL, why, and what may help. */
export function unreachable(url: string, cause: unknown): ClientError {
  return new ClientError(
    "unreachable",
    `Cannot reach Reactor at ${url}: ${reasonOf(cause)}; start it with \`reactor serve\`, or name another server with --url or REACTOR_URL`,
    { details: { url }, cause },
  );
}

/** Fetch hides the reason in `cause` on Node and gives it as a code on Bun. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const inner = cause.cause instanceof Error ? cause.cause : cause;
  const code = "code" in inner && typeof inner.code === "string" ? inner.code : undefined;
  if (code === "ECONNREFUSED" || code === "ConnectionRefused") return "nothing listens there";
  return inner.message === "" ? (code ?? inner.name) : inner.message;
}
