/** Where a registry has a package: `{registry}/@scope/name/-/name-1.0.0.tgz`. */
export function registryUrl(registry: string, name: string, version: string): string {
  return `${registry.replace(/\/+$/, "")}${registryPath(name, version)}`;
}

/** Whether a URL is where a registry has this very package, whichever registry it is. */
export function isRegistryUrl(url: string, name: string, version: string): boolean {
  const path = new URL(url).pathname.replace(/%40/gi, "@").replace(/%2f/gi, "/");
  return path.endsWith(registryPath(name, version));
}

function registryPath(name: string, version: string): string {
  const file = name.slice(name.indexOf("/") + 1);
  return `/${name}/-/${file}-${version}.tgz`;
}
