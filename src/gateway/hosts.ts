import { BoundedMemo } from "./bounded-memo.ts";

/** What a Host header means. */
export interface HostMeaning {
  /** The host in lower case with its port, fit for a URL; undefined when the header is malformed. */
  readonly host: string | undefined;
  /** The function host's label was understood: slug and alias; undefined on shared hosts. */
  readonly label: { readonly slug: string; readonly alias: string | undefined } | undefined;
  /** The host is below the functions domain. */
  readonly functionHost: boolean;
}

const hostPattern = /^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9.])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/;
const labelPattern = /^(?:([a-z][a-z0-9]{0,15})--)?([a-z](?:[a-z0-9]|-(?!-))*)$/;

/** Creates a reader of Host headers; the port is ignored, case too. Remembers what it has seen. */
export function createHosts(functionsDomain: string): (header: string) => HostMeaning {
  const suffix = `.${functionsDomain.toLowerCase()}`;
  const memo = new BoundedMemo<HostMeaning>({
    capacity: 4096,
    compute: (header) => readHost(header, suffix),
  });
  return (header) => memo.get(header);
}

function readHost(header: string, suffix: string): HostMeaning {
  const host = header.toLowerCase();
  if (host.length > 300 || !hostPattern.test(host)) {
    return { host: undefined, label: undefined, functionHost: false };
  }
  const name = host.replace(/:[0-9]+$/, "").replace(/\.$/, "");
  if (!name.endsWith(suffix)) return { host, label: undefined, functionHost: false };
  const match = labelPattern.exec(name.slice(0, -suffix.length));
  const slug = match?.[2];
  const label = slug === undefined ? undefined : { slug, alias: match?.[1] };
  return { host, label, functionHost: true };
}
