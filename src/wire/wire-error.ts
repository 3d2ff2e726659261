export type WireErrorCode =
  | "bad_frame"
  | "frame_too_large"
  | "bad_stream"
  | "window_exceeded"
  | "version_mismatch"
  | "too_many_streams"
  | "connection_closed";

/** Why a connection ended. The peer is never trusted, so every breach of the protocol is one. */
export class WireError extends Error {
  readonly code: WireErrorCode;

  constructor(code: WireErrorCode, message: string) {
    super(message);
    this.name = "WireError";
    this.code = code;
  }
}
