import { afterEach, describe, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { createVirtualClock, systemClock, type Clock } from "../../base/clock.ts";
import { createDeferred } from "../../base/deferred.ts";
import type { EgressDenial } from "../../domain/egress-decision.ts";
import { WireConnection } from "../../wire/connection.ts";
import { frameType } from "../../wire/frames.ts";
import type { WireStream } from "../../wire/stream.ts";
import { WireError } from "../../wire/wire-error.ts";
import {
  createEgressRelay,
  defaultEgressOptions,
  type EgressRelayOptions,
} from "./egress-relay.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Opened {
  readonly error?: { readonly code: string; readonly message: string };
  readonly addresses?: readonly string[];
}

interface Asked {
  readonly stream: WireStream;
  readonly opened: Promise<Opened>;
  /** Resolves with the reason when the host ends the connection. */
  readonly cancelled: Promise<string>;
  readonly received: { bytes: number };
}

/** A gate of a relay and a guest that opens through it. */
function openGate(
  options: Partial<Omit<EgressRelayOptions, "clock">> & { clock?: Clock; allow?: string[] } = {},
) {
  const { clock = systemClock, allow, ...relayOptions } = options;
  const denials: EgressDenial[] = [];
  const relay = createEgressRelay({ ...defaultEgressOptions, ...relayOptions, clock });
  const gate = relay.gate({ allow, onDenied: (denial) => denials.push(denial) });
  const sides: { host?: WireConnection; guest?: WireConnection } = {};
  const side = (role: "host" | "guest", other: "host" | "guest"): WireConnection =>
    new WireConnection({
      role,
      sink: {
        write(bytes) {
          const copy = Buffer.from(bytes);
          queueMicrotask(() => sides[other]?.receive(copy));
          return true;
        },
      },
      listener: {
        frame() {},
        opened: (stream, _type, payload) => gate.open(stream, payload),
        closed() {},
      },
      payloadBytesMax: 2 ** 20,
      peerStreamsMax: 20_000,
      endOfTurn: queueMicrotask,
    });
  sides.host = side("host", "guest");
  sides.guest = side("guest", "host");
  const guest = sides.guest;
  const ask = (message: object, consume = true): Asked => {
    const opened = createDeferred<Opened>();
    const cancelled = createDeferred<string>();
    const received = { bytes: 0 };
    const stream: WireStream = guest.open({
      answer: (_type, json) => opened.resolve(JSON.parse(json)),
      data(chunk) {
        received.bytes += chunk.length;
        if (consume) stream.consumed(chunk.length);
      },
      end() {},
      cancelled: (reason) => cancelled.resolve(reason),
      drained() {},
      closed: (error) => cancelled.resolve(error.code),
    });
    stream.json(frameType.open, message);
    return { stream, opened: opened.promise, cancelled: cancelled.promise, received };
  };
  return { ask, denials, gate, host: sides.host };
}

async function listen(
  onSocket: (socket: Socket) => void,
): Promise<{ server: Server; port: number }> {
  const server = createServer({ allowHalfOpen: true }, onSocket);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => void server.close());
  const address = server.address();
  return { server, port: typeof address === "object" && address !== null ? address.port : 0 };
}

const code = async (asked: Asked): Promise<string | undefined> => (await asked.opened).error?.code;

describe("a lookup", () => {
  const resolve = async (host: string): Promise<string[]> =>
    host === "db.test" ? ["10.1.2.3"] : host === "web.test" ? ["93.184.216.34", "2a00::1"] : [];

  test("gives every address of a name", async () => {
    const { ask } = openGate({ resolve });
    expect(await ask({ host: "Web.Test.", lookup: true }).opened).toEqual({
      addresses: ["93.184.216.34", "2a00::1"],
    });
  });

  test("does not tell addresses that are closed, nor names that a manifest does not allow", async () => {
    const { ask, denials } = openGate({ resolve, allow: ["web.test:443"] });
    expect(await code(ask({ host: "db.test", lookup: true }))).toBe("egress_denied");
    const plain = openGate({ resolve });
    expect(await code(plain.ask({ host: "db.test", lookup: true }))).toBe("egress_denied");
    expect([...denials, ...plain.denials].map(({ reason }) => reason)).toEqual([
      "not_allowed",
      "private_address",
    ]);
    const opened = openGate({ resolve, privateAllow: ["db.test:5432"] });
    expect(await opened.ask({ host: "db.test", lookup: true }).opened).toEqual({
      addresses: ["10.1.2.3"],
    });
  });

  test("of a name without an address says so", async () => {
    const { ask } = openGate({ resolve });
    expect(await code(ask({ host: "void.test", lookup: true }))).toBe("egress_unreachable");
  });
});

describe("an address that was looked up", () => {
  test("is open as its name is, and only for the instance that asked", async () => {
    const { port } = await listen((socket) => socket.end("hi"));
    const options = {
      resolve: () => Promise.resolve(["127.0.0.1"]),
      privateAllow: [`db.test:${port}`],
      allow: ["db.test"],
    };
    const { ask } = openGate(options);
    expect(await code(ask({ host: "127.0.0.1", port }))).toBe("egress_denied");
    await ask({ host: "db.test", lookup: true }).opened;
    expect(await ask({ host: "127.0.0.1", port }).opened).toEqual({});
    expect(await code(ask({ host: "127.0.0.1", port: port - 1 }))).toBe("egress_denied");
    expect(await code(openGate(options).ask({ host: "127.0.0.1", port }))).toBe("egress_denied");
  });

  test("stays open for names that give another address each time, and for 15 minutes", async () => {
    const clock = createVirtualClock();
    const { port } = await listen((socket) => socket.end("hi"));
    let last = 0;
    const { ask } = openGate({
      clock,
      resolve: async () => [`127.0.0.${++last}`],
      privateAllow: [`db.test:${port}`],
    });
    await ask({ host: "db.test", lookup: true }).opened;
    await ask({ host: "db.test", lookup: true }).opened;
    expect(await ask({ host: "127.0.0.1", port }).opened).toEqual({});
    await clock.advance(15 * 60_000 + 1);
    expect(await code(ask({ host: "127.0.0.1", port }))).toBe("egress_denied");
  });

  test("is closed all the same when it is one that nobody may reach", async () => {
    const { ask } = openGate({
      denied: () => ["198.51.100.7:443"],
      resolve: async () => ["198.51.100.7"],
      allow: ["api.test"],
    });
    await ask({ host: "api.test", lookup: true }).opened;
    expect(await code(ask({ host: "198.51.100.7", port: 443 }))).toBe("egress_denied");
  });
});

describe("rebinding", () => {
  test("a name that changes between two connections is checked each time", async () => {
    const { port } = await listen((socket) => void socket.resume());
    let asked = 0;
    const { ask, denials } = openGate({
      privateAllow: [`127.0.0.1:${port}`],
      resolve: async () => (asked++ === 0 ? ["127.0.0.1"] : ["169.254.169.254"]),
    });
    expect(await ask({ host: "rebind.test", port }).opened).toEqual({});
    expect(await code(ask({ host: "rebind.test", port }))).toBe("egress_denied");
    expect(denials.map(({ reason }) => reason)).toEqual(["private_address"]);
    // One lookup for each connection: what was checked is what is connected to.
    expect(asked).toBe(2);
  });
});

describe("connections of an instance", () => {
  test("beyond egress.connections_max are refused, and make room when others end", async () => {
    const { port } = await listen(() => {});
    const { ask, denials } = openGate({
      privateAllow: [`127.0.0.1:${port}`],
      connectionsPerInstanceMax: 2,
    });
    const first = ask({ host: "127.0.0.1", port });
    const second = ask({ host: "127.0.0.1", port });
    expect([await first.opened, await second.opened]).toEqual([{}, {}]);
    const third = await ask({ host: "127.0.0.1", port }).opened;
    expect(third.error).toEqual({
      code: "egress_limit",
      message: `Egress to "127.0.0.1:${port}" is denied: the instance has 2 connections open, as many as egress.connections_max allows`,
    });
    expect(denials.map(({ reason }) => reason)).toEqual(["connections"]);
    first.stream.reset("done");
    await Promise.resolve();
    const fourth = ask({ host: "127.0.0.1", port });
    expect(await fourth.opened).toEqual({});
  });

  test("10,000 at once are answered, and leave no stream and no socket beyond the limit", async () => {
    let ended = 0;
    const allEnded = createDeferred<void>();
    const { port } = await listen((socket) => {
      socket.resume().once("end", () => ++ended === 100 && allEnded.resolve());
    });
    const { ask, gate, host } = openGate({ privateAllow: [`127.0.0.1:${port}`] });
    const answers = await Promise.all(
      Array.from({ length: 10_000 }, () => code(ask({ host: "127.0.0.1", port }))),
    );
    expect(answers.filter((answer) => answer === undefined)).toHaveLength(100);
    expect(answers.filter((answer) => answer === "egress_limit")).toHaveLength(9900);
    expect(host.streamCount).toBe(100);
    gate.close();
    await allEnded.promise;
    expect(host.streamCount).toBe(0);
  });

  test("that carry nothing for egress.idle_timeout_secs are closed, others are not", async () => {
    const clock = createVirtualClock();
    const { port } = await listen((socket) => {
      socket.on("data", (chunk) => void socket.write(chunk));
    });
    const { ask } = openGate({
      clock,
      privateAllow: [`127.0.0.1:${port}`],
      idleTimeoutMs: 60_000,
    });
    const quiet = ask({ host: "127.0.0.1", port });
    const busy = ask({ host: "127.0.0.1", port });
    expect([await quiet.opened, await busy.opened]).toEqual([{}, {}]);
    await clock.advance(40_000);
    busy.stream.write(Buffer.from("x"));
    while (busy.received.bytes === 0) await new Promise(setImmediate);
    await clock.advance(30_000);
    expect(await quiet.cancelled).toContain("nothing was carried for 60000 ms");
    busy.stream.write(Buffer.from("y"));
    while (busy.received.bytes === 1) await new Promise(setImmediate);
    await clock.advance(61_000);
    expect(await busy.cancelled).toContain("nothing was carried");
  });

  test("end with the instance's own, however it went", async () => {
    const closed = createDeferred<void>();
    const { port } = await listen((socket) => {
      socket.resume().on("end", () => closed.resolve());
    });
    const { ask, host } = openGate({ privateAllow: [`127.0.0.1:${port}`] });
    await ask({ host: "127.0.0.1", port }).opened;
    host.close(new WireError("connection_closed", "kill -9"));
    await closed.promise;
  });

  test("hold no more of a fast sender's bytes than its credit when the guest reads nothing", async () => {
    let sent = 0;
    const { port } = await listen((socket) => {
      const push = (): void => {
        while (!socket.destroyed && socket.write(Buffer.alloc(65_536))) sent += 65_536;
      };
      socket.on("drain", push).on("error", () => {});
      push();
    });
    const { ask, gate } = openGate({ privateAllow: [`127.0.0.1:${port}`] });
    const asked = ask({ host: "127.0.0.1", port }, false);
    await asked.opened;
    let last = -1;
    while (last !== sent || asked.received.bytes === 0) {
      last = sent;
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    }
    // The window of a stream; what the kernel's buffers hold is beside it.
    expect(asked.received.bytes).toBeLessThanOrEqual(1024 * 1024);
    gate.close();
  });
});

describe("what is no destination", () => {
  test.each([
    [{ host: "a b", port: 80 }],
    [{ host: "fe80::1%eth0", port: 80 }],
    [{ host: "user@127.0.0.1", port: 80 }],
    [{ host: "x".repeat(300), port: 80 }],
    [{ host: "a.test", port: 0 }],
    [{ host: "a.test", port: 65_536 }],
    [{ host: "a.test", port: 80.5 }],
    [{ host: "a.test", port: "80" }],
    [{ host: 7, port: 80 }],
    [{ host: "a.test" }],
    [{ host: "a\nb", lookup: true }],
    [[]],
  ])("%j is denied and kept to a line", async (message) => {
    const { ask, denials } = openGate();
    expect(await code(ask(message))).toBe("egress_denied");
    expect(denials.map(({ reason }) => reason)).toEqual(["invalid_destination"]);
    const text = denials[0]?.message ?? "";
    expect(text.length).toBeLessThan(400);
    expect(text).not.toMatch(/[\n\r]/);
  });
});
