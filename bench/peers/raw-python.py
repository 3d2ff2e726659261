"""A bare asyncio server answering the same echo over HTTP/1.1. argv: port."""

import asyncio
import json
import sys

served = 0


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.received = b""

    def data_received(self, data):
        self.received += data
        while self.answer_one():
            pass

    def answer_one(self):
        global served
        head, found, rest = self.received.partition(b"\r\n\r\n")
        if not found:
            return False
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if len(rest) < length:
            return False
        self.received = rest[length:]
        if head.startswith(b"GET "):
            answer = {"served": served}
        else:
            served += 1
            answer = json.loads(rest[:length])
        body = json.dumps(answer).encode()
        fields = b"content-type: application/json\r\ncontent-length: %d" % len(body)
        self.transport.write(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\n" + body)
        return True


async def main():
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", int(sys.argv[1]))
    print("ready", flush=True)
    await server.serve_forever()


asyncio.run(main())
