/** A request's head as the parser fills it in. */
export interface RequestHead {
  method: string;
  /** Always starts with `/`; visible ASCII only. */
  target: string;
  /** Minor version of HTTP/1. */
  minor: 0 | 1;
  /** Flat list: name, value, name, value, …, as they were written. */
  readonly headers: string[];
  /** The one Host header; undefined only in HTTP/1.0. */
  host: string | undefined;
  /** Declared length of the body; -1 when none is declared. */
  contentLength: number;
  /** The body comes in chunks. */
  chunked: boolean;
  /** The client keeps the connection open after the answer. */
  keepsAlive: boolean;
  /** The client waits for `100 Continue` before it sends its body. */
  expectsContinue: boolean;
}
