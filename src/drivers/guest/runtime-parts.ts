/** Parts of a runtime that a guest captures or routes only for functions that may reach them. */
export const runtimeParts = [
  /** node:net, or a module above it such as node:http. */
  "sockets",
  /** node:fs. */
  "files",
  /** node:dns. */
  "names",
  /** node:dgram. */
  "datagrams",
  "web_socket",
  "bun_connect",
  "bun_sql",
  "bun_redis",
  "bun_datagrams",
  "bun_names",
] as const;

export type RuntimePart = (typeof runtimeParts)[number];

/** Whether a function's code may reach a part of its runtime. */
export type Reaches = (part: RuntimePart) => boolean;
