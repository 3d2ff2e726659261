import { projectNamePattern } from "../domain/names.ts";
import { BoundedMemo } from "./bounded-memo.ts";

/** What a Host header means. */
export interface HostMeaning {
  /** The host in lower case with its port, fit for a URL; undefined when the header is malformed. */
  readonly host: string | undefined;
  /** The function host's label was understood: slug and alias; undefined on shared hosts. */
  readonly label: { readonly slug: string; readonly alias: string | undefined } | undefined;
  /** The host is below the functions domain. */
  readonly functionHost: boolean;
  /** The project whose routes are at the root of this host; undefined where the request says it. */
  readonly project: string | undefined;
}

const hostPattern = /^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9.])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/;
const labelPattern = /^(?:([a-z][a-z0-9]{0,15})--)?([a-z](?:[a-z0-9]|-(?!-))*)$/;

/** Creates a reader of Host headers; the port is ignored, case too. Remembers what it has seen. */
export function createHosts({
  functionsDomain,
  routesDomain,
}: {
  readonly functionsDomain: string;
  readonly routesDomain: string;
}): (header: string) => HostMeaning {
  const suffixes = {
    functions: `.${functionsDomain.toLowerCase()}`,
    routes: `.${routesDomain.toLowerCase()}`,
  };
  const memo = new BoundedMemo<HostMeaning>({
    capacity: 4096,
    compute: (header) => readHost(header, suffixes),
  });
  return (header) => memo.get(header);
}

function readHost(
  header: string,
  suffixes: { readonly functions: string; readonly routes: string },
): HostMeaning {
  const host = header.toLowerCase();
  if (host.length > 300 || !hostPattern.test(host)) {
    return { host: undefined, label: undefined, functionHost: false, project: undefined };
  }
  const name = host.replace(/:[0-9]+$/, "").replace(/\.$/, "");
  if (!name.endsWith(suffixes.functions)) {
    const above = name.endsWith(suffixes.routes) ? name.slice(0, -suffixes.routes.length) : "";
    const project = projectNamePattern.test(above) ? above : undefined;
    return { host, label: undefined, functionHost: false, project };
  }
  const match = labelPattern.exec(name.slice(0, -suffixes.functions.length));
  const slug = match?.[2];
  const label = slug === undefined ? undefined : { slug, alias: match?.[1] };
  return { host, label, functionHost: true, project: undefined };
}
