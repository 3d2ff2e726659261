import type { ConfigureMessage } from "./messages.ts";

const proxyVariables = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"];
const keptVariables = new Set(["PATH", "HOME", "TMPDIR", ...proxyVariables]);

/**
 * Replaces the process's environment by the function's env and secrets. PATH, HOME and TMPDIR stay
 * unless the function sets its own; the proxy variables always stay, since they are the only way
 * out. Returns the frozen record that `ctx.env` shows.
 */
export function applyGuestEnvironment(
  env: Record<string, string | undefined>,
  configured: Pick<ConfigureMessage, "env" | "secrets">,
): Readonly<Record<string, string>> {
  for (const key of Object.keys(env)) {
    if (!keptVariables.has(key)) delete env[key];
  }
  const declared: Record<string, string> = { ...configured.env, ...configured.secrets };
  for (const [key, value] of Object.entries(declared)) {
    if (!proxyVariables.includes(key)) env[key] = value;
  }
  return Object.freeze(declared);
}
