import { describe, expect, test } from "bun:test";
import { Pair, type StreamRecord } from "./connection-pair.harness.ts";
import { dataPayloadBytesMax, frameType, streamWindowBytes } from "./frames.ts";
import { decodeRequestHead, type RequestHead, splitHeadPayload } from "./heads.ts";
import type { WireStream } from "./stream.ts";
import { WireError } from "./wire-error.ts";

const head: RequestHead = {
  invocationId: "inv_1",
  requestId: "req_1",
  method: "POST",
  url: "http://suite.example/",
  deadlineMs: 0,
  caller: "",
  headers: [],
};

/** The guest's record of the n-th stream that the host opened. */
function served(pair: Pair, n = 0): StreamRecord & { stream: WireStream } {
  const record = pair.guest.opened[n]?.record;
  if (record?.stream === undefined) throw new Error(`the host has not opened stream ${n}`);
  return Object.assign(record, { stream: record.stream });
}

function called(pair: Pair, n = 0): StreamRecord & { stream: WireStream } {
  const record = pair.host.opened[n]?.record;
  if (record?.stream === undefined) throw new Error(`the guest has not opened stream ${n}`);
  return Object.assign(record, { stream: record.stream });
}

describe("a request", () => {
  test("travels with its first body bytes in one frame and comes back the same way", () => {
    const pair = new Pair();
    const request = pair.host.open();
    request.stream.head(frameType.request, head, Buffer.from("ask"), true);
    pair.run();
    const opened = pair.guest.opened[0];
    expect(opened?.type).toBe(frameType.request);
    const { head: text, body } = splitHeadPayload(opened?.payload ?? Buffer.alloc(0));
    const decoded = decodeRequestHead(text);
    expect({ ...decoded, headers: decoded.headers }).toEqual(head);
    expect(body.toString()).toBe("ask");
    expect(served(pair).stream.remoteEnded).toBe(true);
    served(pair).stream.head(frameType.response, "200", Buffer.from("answer"), true);
    pair.run();
    expect(request.heads).toBe("200");
    expect(request.body().toString()).toBe("answer");
    expect(request.events).toEqual([`head ${frameType.response}`, "data", "end"]);
    expect([pair.host.connection.streamCount, pair.guest.connection.streamCount]).toEqual([0, 0]);
  });

  test("whose whole answer breaks the protocol is told that the connection closed", () => {
    const pair = new Pair();
    const request = pair.host.open();
    request.head = () => {
      throw new WireError("bad_frame", "no header has this name");
    };
    request.stream.head(frameType.request, head, undefined, true);
    pair.run();
    served(pair).stream.head(frameType.response, "200", undefined, true);
    pair.run();
    expect(request.events).toEqual(["closed bad_frame"]);
    expect(pair.host.closedBy.map((error) => error.code)).toEqual(["bad_frame"]);
  });

  test("with a body over one frame is split and arrives whole", () => {
    const pair = new Pair();
    const body = Buffer.alloc(200_000, "0123456789");
    const request = pair.host.open();
    request.stream.head(frameType.request, head, body, true);
    pair.run();
    expect(served(pair).body().equals(body)).toBe(true);
    expect(served(pair).events).toEqual(["data", "end"]);
  });

  test("that fails closes its stream both ways and tells why once", () => {
    const pair = new Pair();
    const request = pair.host.open();
    request.stream.head(frameType.request, head, undefined, false);
    pair.run();
    served(pair).stream.fail({ kind: "threw", message: "no" });
    request.stream.write(Buffer.from("still sending"));
    pair.run();
    request.stream.end();
    pair.run();
    const answer = `answer ${frameType.failure} {"kind":"threw","message":"no"}`;
    expect(request.events).toEqual([answer]);
    expect([pair.host.connection.streamCount, pair.guest.connection.streamCount]).toEqual([0, 0]);
    expect(pair.host.closedBy).toEqual([]);
  });

  test("may log while it runs; what it logs on its stream after the end is dropped", () => {
    const pair = new Pair();
    const request = pair.host.open();
    request.stream.head(frameType.request, head, undefined, true);
    pair.run();
    const { stream } = served(pair);
    pair.guest.connection.writer.frame(frameType.log, 0, stream.id, Buffer.from("during"));
    stream.head(frameType.response, "204", undefined, true);
    pair.run();
    pair.guest.connection.writer.frame(frameType.log, 0, stream.id, Buffer.from("after"));
    pair.run();
    expect(request.events).toEqual(["log during", `head ${frameType.response}`, "end"]);
    expect(pair.host.closedBy).toEqual([]);
  });

  test("keeps its place among 500 others", () => {
    const pair = new Pair();
    const requests = Array.from({ length: 500 }, (_, i) => {
      const request = pair.host.open();
      request.stream.head(frameType.request, head, Buffer.from(`ask ${i}`), true);
      return request;
    });
    pair.run();
    for (let i = 499; i >= 0; i--) {
      const { stream } = served(pair, i);
      stream.head(frameType.response, "200", Buffer.from(`answer ${i}`), true);
    }
    pair.run();
    for (const [i, request] of requests.entries()) {
      expect(request.body().toString()).toBe(`answer ${i}`);
    }
  });
});

describe("cancel", () => {
  test("reaches the guest, whose failure confirms it once", () => {
    const pair = new Pair();
    const request = pair.host.open();
    request.stream.head(frameType.request, head, undefined, false);
    pair.run();
    request.stream.cancel("client left");
    request.stream.cancel("client left");
    pair.run();
    expect(served(pair).events).toContain("cancelled client left");
    served(pair).stream.fail({ kind: "cancelled", message: "client left" });
    pair.run();
    expect(request.events.filter((event) => event.startsWith("answer"))).toHaveLength(1);
    expect(pair.host.connection.streamCount).toBe(0);
  });

  test("that crosses the response's end leaves the end standing and no stream behind", () => {
    const pair = new Pair();
    const request = pair.host.open();
    request.stream.head(frameType.request, head, undefined, true);
    pair.run();
    served(pair).stream.head(frameType.response, "200", Buffer.from("done"), true);
    request.stream.cancel("too late");
    pair.run();
    expect(request.events).toEqual([`head ${frameType.response}`, "data", "end"]);
    expect([pair.host.connection.streamCount, pair.guest.connection.streamCount]).toEqual([0, 0]);
    expect([...pair.host.closedBy, ...pair.guest.closedBy]).toEqual([]);
  });

  test("that crosses a failure is harmless", () => {
    const pair = new Pair();
    const request = pair.host.open();
    request.stream.head(frameType.request, head, undefined, false);
    pair.run();
    served(pair).stream.fail({ kind: "threw", message: "no" });
    request.stream.cancel("too late");
    pair.run();
    expect(request.events.filter((event) => event.startsWith("answer"))).toHaveLength(1);
    expect([...pair.host.closedBy, ...pair.guest.closedBy]).toEqual([]);
  });

  test("a failure after the whole response ends the stream without a second last word", () => {
    const pair = new Pair();
    const request = pair.host.open();
    request.stream.head(frameType.request, head, undefined, false);
    pair.run();
    const { stream } = served(pair);
    stream.head(frameType.response, "200", undefined, true);
    stream.fail({ kind: "cancelled", message: "after all" });
    pair.run();
    expect(request.events).toEqual([`head ${frameType.response}`, "end"]);
    expect(pair.host.connection.streamCount).toBe(0);
  });

  test("drops what was written but not yet covered by credit", () => {
    const pair = new Pair({ consume: false });
    const request = pair.host.open();
    request.stream.head(frameType.request, head, undefined, false);
    expect(request.stream.write(Buffer.alloc(streamWindowBytes + 5))).toBe(false);
    request.stream.cancel("enough");
    pair.run();
    served(pair).stream.consumed(streamWindowBytes);
    pair.run();
    expect(served(pair).bytes).toBe(streamWindowBytes);
    expect(request.stream.write(Buffer.from("nobody sends this"))).toBe(true);
    pair.run();
    expect(served(pair).bytes).toBe(streamWindowBytes);
  });
});

describe("a guest's stream", () => {
  test("carries a call and its reply, then is gone on both sides once the host closes", () => {
    const pair = new Pair();
    const call = pair.guest.open();
    call.stream.json(frameType.call, { method: "db.query", params: [1] });
    pair.run();
    expect(pair.host.opened[0]?.type).toBe(frameType.call);
    expect(pair.host.opened[0]?.payload.toString()).toBe('{"method":"db.query","params":[1]}');
    called(pair).stream.json(frameType.reply, { result: 42 });
    called(pair).stream.close();
    pair.run();
    expect(call.events).toEqual([`answer ${frameType.reply} {"result":42}`]);
    expect([pair.host.connection.streamCount, pair.guest.connection.streamCount]).toEqual([0, 0]);
  });

  test("to the outside carries bytes both ways under credit after it is opened", () => {
    const pair = new Pair();
    const outside = pair.guest.open();
    outside.stream.json(frameType.open, { host: "example.org", port: 443 });
    pair.run();
    called(pair).stream.json(frameType.opened, {});
    const up = Buffer.alloc(3 * streamWindowBytes, "up");
    const down = Buffer.alloc(2 * streamWindowBytes, "down");
    outside.stream.write(up);
    called(pair).stream.write(down);
    outside.stream.end();
    called(pair).stream.end();
    pair.run();
    expect(outside.events[0]).toBe(`answer ${frameType.opened} {}`);
    expect(called(pair).body().equals(up)).toBe(true);
    expect(outside.body().equals(down)).toBe(true);
    expect([pair.host.connection.streamCount, pair.guest.connection.streamCount]).toEqual([0, 0]);
  });

  test("that the host resets tells the guest and drops what still comes", () => {
    const pair = new Pair();
    const outside = pair.guest.open();
    outside.stream.json(frameType.open, { host: "example.org", port: 443 });
    pair.run();
    called(pair).stream.reset("connection refused");
    outside.stream.write(Buffer.from("on its way"));
    pair.run();
    expect(outside.events).toContain("cancelled connection refused");
    expect(called(pair).bytes).toBe(0);
    expect(pair.host.connection.streamCount).toBe(0);
    expect(pair.host.closedBy).toEqual([]);
  });

  test("beyond the allowed number ends the connection with too_many_streams", () => {
    const pair = new Pair({ guestStreamsMax: 4 });
    const opens = Array.from({ length: 5 }, () => {
      const outside = pair.guest.open();
      outside.stream.json(frameType.open, {});
      return outside;
    });
    pair.run();
    expect(opens).toHaveLength(5);
    expect(pair.host.closedBy.map((error) => error.code)).toEqual(["too_many_streams"]);
    expect(called(pair, 3).events).toEqual(["closed too_many_streams"]);
  });

  test("frees its place when it ends", () => {
    const pair = new Pair({ guestStreamsMax: 1 });
    for (let i = 0; i < 10; i++) {
      pair.guest.open().stream.json(frameType.call, { method: "m", params: [] });
      pair.run();
      called(pair, i).stream.json(frameType.reply, { result: i });
      called(pair, i).stream.close();
      pair.run();
    }
    expect(pair.host.closedBy).toEqual([]);
    expect(pair.host.opened).toHaveLength(10);
  });
});

describe("an upgrade", () => {
  /** A stream that both sides have upgraded. */
  function upgraded() {
    const pair = new Pair();
    const request = pair.host.open();
    request.stream.head(frameType.request, head, undefined, false);
    pair.run();
    served(pair).stream.head(frameType.upgrade, "101", undefined, false);
    pair.run();
    expect(request.events).toEqual([`head ${frameType.upgrade}`]);
    return { pair, request, guest: served(pair) };
  }

  test("carries messages of both kinds and any size both ways", () => {
    const { pair, request, guest } = upgraded();
    const sizes = [0, 1, dataPayloadBytesMax, dataPayloadBytesMax + 1, 3 * streamWindowBytes];
    for (const [i, size] of sizes.entries()) {
      request.stream.message(Buffer.alloc(size, "h"), i % 2 === 0);
      guest.stream.message(Buffer.alloc(size, "g"), i % 2 === 1);
    }
    pair.run();
    expect(guest.messages.map(({ bytes }) => bytes.length)).toEqual(sizes);
    expect(guest.messages.map(({ text }) => text)).toEqual([true, false, true, false, true]);
    expect(request.messages.map(({ bytes }) => bytes.length)).toEqual(sizes);
    expect(request.messages.every(({ bytes }) => bytes.every((byte) => byte === 103))).toBe(true);
  });

  test("keeps data and messages in order, and ends both ways", () => {
    const { pair, request, guest } = upgraded();
    guest.stream.write(Buffer.from("raw"));
    guest.stream.message(Buffer.from("message"), true);
    guest.stream.end();
    request.stream.end();
    pair.run();
    expect(request.body().toString()).toBe("raw");
    expect(request.messages[0]?.bytes.toString()).toBe("message");
    expect(request.events.at(-1)).toBe("end");
    expect([pair.host.connection.streamCount, pair.guest.connection.streamCount]).toEqual([0, 0]);
  });

  test("holds messages back, the empty ones too, when nobody consumes them", () => {
    const pair = new Pair({ consume: false });
    const request = pair.host.open();
    request.stream.head(frameType.request, head, undefined, false);
    pair.run();
    served(pair).stream.head(frameType.upgrade, "101", undefined, false);
    let room = true;
    let messages = 0;
    while (room && messages < 2 * streamWindowBytes) {
      room = served(pair).stream.message(Buffer.alloc(0), false);
      messages += 1;
    }
    expect(room).toBe(false);
    pair.run();
    expect(request.messages.length).toBe(streamWindowBytes);
  });
});

describe("the end of the connection", () => {
  test("is heard once by every stream and then by the listener, and refuses new streams", () => {
    const pair = new Pair();
    const requests = [pair.host.open(), pair.host.open(), pair.host.open()];
    for (const { stream } of requests) stream.head(frameType.request, head, undefined, false);
    pair.run();
    const { connection } = pair.host;
    connection.receive(Buffer.from([0xff, 0xff, 0xff, 0xff, 6, 0, 1, 0, 0, 0]));
    connection.receive(Buffer.from("more"));
    for (const request of requests) expect(request.events).toEqual(["closed frame_too_large"]);
    expect(pair.host.closedBy.map((error) => error.code)).toEqual(["frame_too_large"]);
    expect(connection.closedBy?.code).toBe("frame_too_large");
    expect(() => pair.host.open()).toThrow(expect.objectContaining({ code: "connection_closed" }));
  });
});
