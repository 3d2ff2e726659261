import { ClientError } from "./client-error.ts";

const startIt = "start it with `reactor serve`, or name another server with --url or REACTOR_URL";

/** The error of a call that got no answer: says which URL, why, and what may help. */
export function unreachable(url: string, cause: unknown): ClientError {
  const { reason, remedy = startIt } = explain(cause, url);
  return new ClientError("unreachable", `Cannot reach Reactor at ${url}: ${reason}; ${remedy}`, {
    details: { url, ...(remedy === startIt ? { next: "reactor serve" } : {}) },
    cause,
  });
}

interface Explanation {
  readonly reason: string;
  readonly remedy?: string;
}

const isCertificateFault = (code: string): boolean =>
  /^(?:CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT)/.test(code);

/** Fetch hides the reason in `cause` on Node and gives it as a code on Bun, whose sentences name its own options. */
function explain(cause: unknown, url: string): Explanation {
  if (!(cause instanceof Error)) return { reason: String(cause) };
  const inner = cause.cause instanceof Error ? cause.cause : cause;
  const code = "code" in inner && typeof inner.code === "string" ? inner.code : "";
  if (code === "ECONNREFUSED" || code === "ConnectionRefused") {
    return { reason: "nothing listens there" };
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return {
      reason: "its certificate is for another name",
      remedy: "ask under a name that the certificate has",
    };
  }
  if (isCertificateFault(code)) {
    return {
      reason: `its certificate is not trusted (${code})`,
      remedy: "name the file of what signed it: NODE_EXTRA_CA_CERTS=/path/to/cert.pem",
    };
  }
  const isTls = url.startsWith("https:");
  if (isTls && (code === "EPROTO" || code.startsWith("ERR_SSL_"))) {
    return { reason: "it does not speak TLS", remedy: "ask with http:// instead" };
  }
  if (code === "ECONNRESET" || code === "UND_ERR_SOCKET") {
    const reason = "it closed the connection without an answer";
    return isTls ? { reason } : { reason, remedy: "when it speaks TLS, ask with https:// instead" };
  }
  return { reason: inner.message === "" ? code || inner.name : inner.message };
}
