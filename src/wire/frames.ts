/**
 * The invocation protocol, version 1: what every frame looks like and means.
 *
 *   frame   = length:u32le  type:u8  flags:u8  stream:u32le  payload[length]
 *
 * `length` counts the payload only. Stream 0 is the connection itself; the host opens odd streams
 * (invocations), the guest even ones (calls and byte streams to the outside).
 *
 *   host  -> guest   hello configure request data cancel credit reply opened message drain ping rehearse
 *   guest -> host    hello ready response data cancel credit failure log call open upgrade message pong
 */
export const protocolVersion = 1;

export const frameHeaderBytes = 10;

/** Bytes a sender may have in flight on one stream before the receiver grants more. */
export const streamWindowBytes = 256 * 1024;

/** The largest payload of one `data` frame; longer chunks are split. */
export const dataPayloadBytesMax = 64 * 1024;

export const frameType = {
  /** First frame of each side. JSON `{ "version": 1 }`; the guest adds `runtime` and `runtimeVersion`. */
  hello: 1,
  /** Code, env, secrets and limits. `jsonLength:u32le json code`. */
  configure: 2,
  /** The module is imported and can serve. JSON `{ "shape": "fetch" }`. */
  ready: 3,
  /** Request head, then optionally the first body bytes: `headLength:u32le head body`. */
  request: 4,
  /** Response head, then optionally the first body bytes; same layout as `request`. */
  response: 5,
  /** Body bytes. */
  data: 6,
  /** The sender wants nothing more of this stream; UTF-8 reason. The guest answers a cancelled request with `failure`. */
  cancel: 7,
  /** The receiver took `u32le` bytes; the sender may send as many more. */
  credit: 8,
  /** The request (or, on stream 0, the configuration) failed. JSON `{ kind, message, stack? }`. Ends the stream. */
  failure: 9,
  /**
   * A log line: `level:u8 source:u8 text`, on the stream of the request it belongs to, or 0. See
   * `logSourceCode` for lines of answered requests and for dropped lines.
   */
  log: 10,
  /** A platform call such as a database query. JSON `{ method, params }`. */
  call: 11,
  /** Its answer. JSON `{ result }` or `{ error: { code, message } }`. */
  reply: 12,
  /** Guest opens a byte stream to the outside. JSON `{ host, port }`. */
  open: 13,
  /** Its answer. JSON `{}` or `{ error: { code, message } }`; then `data` flows both ways. */
  opened: 14,
  /** Like `response`, and from here `data` is raw bytes and `message` WebSocket messages, both ways. */
  upgrade: 15,
  /**
   * One WebSocket message, or a part of one (flag `more`); flag `text` tells its kind. Counts
   * against the credit like `data`; an empty one as one byte.
   */
  message: 16,
  /** Finish what runs, take nothing new. */
  drain: 17,
  /** Answered by `pong` at once; a guest that does not is stuck. */
  ping: 18,
  pong: 19,
  /**
   * A blank may do once more what makes its function's first request quicker: it is a copy of a machine
   * that has done it, and has what it computed but none of the code that the emulator made for that.
   */
  rehearse: 20,
} as const;

export type FrameType = (typeof frameType)[keyof typeof frameType];

export const frameFlag = {
  /** The sender's last frame on this stream. */
  end: 1,
  /** The message is text. */
  text: 2,
  /** The message goes on in the next `message` frame of this stream. */
  more: 4,
} as const;

/** Sources of a log line, by their code on the wire. */
export const logSources = ["log", "stdout", "stderr"] as const;
export type LogSource = (typeof logSources)[number];

/** What the source byte of a log frame may say beyond `logSources`; both only on stream 0. */
export const logSourceCode = {
  /** Added to a source: `invocationId NUL requestId NUL` precede the text, for answered requests. */
  owned: 0x80,
  /** Instead of a source: the sender dropped lines; their count follows as `u32le`, and no text. */
  dropped: 0x7f,
} as const;

/** Levels of a log line, by their code on the wire. */
export const wireLogLevels = ["debug", "info", "warn", "error"] as const;
export type WireLogLevel = (typeof wireLogLevels)[number];
