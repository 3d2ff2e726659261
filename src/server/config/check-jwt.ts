import { isLoopbackHost } from "./is-loopback-host.ts";
import type { Settings } from "./settings.ts";

const secretBytesMin = 32;

/** What is wrong with the settings about tokens. */
export function checkJwt(settings: Settings): string[] {
  const { jwtIssuer, jwtAudience, jwtSecret, jwtJwksUrls, jwtAlgorithms } = settings;
  const problems = jwtJwksUrls.flatMap(urlProblem);
  if (jwtSecret !== undefined && Buffer.byteLength(jwtSecret) < secretBytesMin) {
    problems.push(`jwt.secret is shorter than ${secretBytesMin} bytes, HS256 needs as many`);
  }
  if (jwtAlgorithms.length === 0) problems.push("jwt.algorithms is empty, name RS256 or ES256");
  const hasKeys = jwtSecret !== undefined || jwtJwksUrls.length > 0;
  if (!hasKeys && jwtIssuer === undefined && jwtAudience.length === 0) return problems;
  const missing = [
    ...(jwtIssuer === undefined ? ["jwt.issuer"] : []),
    ...(jwtAudience.length === 0 ? ["jwt.audience"] : []),
    ...(hasKeys ? [] : ["jwt.jwks_urls or jwt.secret"]),
  ];
  if (missing.length > 0) {
    problems.push(`tokens (jwt.*) are set up without ${missing.join(" and ")}, all are needed`);
  }
  return problems;
}

function urlProblem(text: string): string[] {
  const shown = JSON.stringify(text.slice(0, 200));
  if (!URL.canParse(text)) return [`jwt.jwks_urls names ${shown}, it must be a URL`];
  const { protocol, hostname } = new URL(text);
  if (protocol === "https:" || isLoopbackHost(hostname.replace(/^\[|\]$/g, ""))) return [];
  return [
    `jwt.jwks_urls names ${shown}, it must be https: whoever is on the way could put keys of their own in`,
  ];
}
