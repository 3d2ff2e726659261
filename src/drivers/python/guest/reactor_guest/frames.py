"""Frames of the invocation protocol, version 1; `src/wire/frames.ts` is the reference."""

import struct

PROTOCOL_VERSION = 1
STREAM_WINDOW_BYTES = 256 * 1024
DATA_PAYLOAD_BYTES_MAX = 64 * 1024

HELLO = 1
CONFIGURE = 2
READY = 3
REQUEST = 4
RESPONSE = 5
DATA = 6
CANCEL = 7
CREDIT = 8
FAILURE = 9
LOG = 10
CALL = 11
REPLY = 12
OPEN = 13
OPENED = 14
UPGRADE = 15
MESSAGE = 16
DRAIN = 17
PING = 18
PONG = 19
REHEARSE = 20

FLAG_END = 1

_HEADER = struct.Struct("<IBBI")
HEADER_BYTES = _HEADER.size
_U32 = struct.Struct("<I")


class WireError(Exception):
    """Why a connection ended. The peer is never trusted, so every breach of the protocol is one."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def encode_frame(kind, flags, stream, payload=b""):
    return b"".join((_HEADER.pack(len(payload), kind, flags, stream), payload))


def encode_head_frame(kind, flags, stream, head, body=b""):
    """`headLength:u32le head body`; `head` is Latin-1 bytes."""
    length = 4 + len(head) + len(body)
    return b"".join(
        (_HEADER.pack(length, kind, flags, stream), _U32.pack(len(head)), head, body)
    )


class FrameDecoder:
    """
    Cuts a byte stream into frames. Any split of the bytes gives the same frames. Holds at most one
    frame of at most `payload_bytes_max` bytes; a larger one raises `frame_too_large`.
    """

    def __init__(self, payload_bytes_max, on_frame):
        self._payload_bytes_max = payload_bytes_max
        self._on_frame = on_frame
        self._held = bytearray()

    def push(self, chunk):
        """Takes the next bytes, in order; calls `on_frame` for each frame they complete."""
        if self._held:
            self._held += chunk
            chunk = self._held
        at = 0
        size = len(chunk)
        while size - at >= HEADER_BYTES:
            length, kind, flags, stream = _HEADER.unpack_from(chunk, at)
            if length > self._payload_bytes_max:
                raise WireError(
                    "frame_too_large",
                    f"Frame payload of {length} bytes is over the limit of {self._payload_bytes_max}",
                )
            end = at + HEADER_BYTES + length
            if end > size:
                break
            with memoryview(chunk) as view:
                payload = bytes(view[at + HEADER_BYTES : end])
            at = end
            if at == size and chunk is self._held:
                # A large frame must not be here twice while it is worked on.
                self._held = bytearray()
            self._on_frame(kind, flags, stream, payload)
            del payload
        if chunk is self._held:
            del chunk[:at]
        elif at < size:
            self._held += chunk[at:]
