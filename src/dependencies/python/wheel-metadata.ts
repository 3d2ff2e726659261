/** What a wheel's METADATA says that an install has to hold it to. */
export interface WheelMetadata {
  readonly name: string;
  readonly version: string;
  readonly requiresPython: string | undefined;
  /** `Requires-Dist`, each as written. */
  readonly requires: readonly string[];
}

/** Reads the headers of METADATA, or of WHEEL; continuation lines belong to the header above. */
export function readHeaders(bytes: Uint8Array): ReadonlyMap<string, readonly string[]> {
  const headers = new Map<string, string[]>();
  const [head = ""] = new TextDecoder().decode(bytes).split(/\r?\n\r?\n/, 1);
  for (const line of head.replace(/\r?\n[ \t]+/g, " ").split(/\r?\n/)) {
    const [, name, value = ""] = /^([A-Za-z0-9-]+):[ \t]*(.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const known = headers.get(name.toLowerCase()) ?? [];
    headers.set(name.toLowerCase(), [...known, value.trim()]);
  }
  return headers;
}

export function readMetadata(bytes: Uint8Array): WheelMetadata {
  const headers = readHeaders(bytes);
  return {
    name: headers.get("name")?.[0] ?? "",
    version: headers.get("version")?.[0] ?? "",
    requiresPython: headers.get("requires-python")?.[0],
    requires: headers.get("requires-dist") ?? [],
  };
}
