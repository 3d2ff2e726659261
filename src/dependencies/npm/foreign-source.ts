import { refuseDependencies } from "../dependency-error.ts";

/** Refuses a source that is no archive behind http or https, naming what asks for it. */
export function refuseForeign(what: string, source: string): void {
  const kind = kindOf(source);
  if (kind === undefined) return;
  throw refuseDependencies(
    `${what} comes from ${kind} (${JSON.stringify(source.slice(0, 200))}); use a version from a registry, or deploy it inside node_modules`,
  );
}

function kindOf(source: string): string | undefined {
  if (/^(?:git\+|git:|git@|github:|gitlab:|bitbucket:|gist:)/i.test(source)) {
    return "a git repository";
  }
  if (/^(?:workspace|link|portal|file|root|module):/i.test(source)) return "a folder or file";
  if (!/^https?:\/\//i.test(source)) return "no registry";
  if (!URL.canParse(source)) return "a malformed URL";
  const { username, password } = new URL(source);
  return username === "" && password === "" ? undefined : "a URL with a password in it";
}
