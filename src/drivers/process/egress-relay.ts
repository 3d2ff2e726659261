import { lookup } from "node:dns/promises";
import { connect, type Socket } from "node:net";
import type { Clock } from "../../base/clock.ts";
import { canonicalHost } from "../../domain/egress.ts";
import {
  createEgressDecider,
  type EgressDeciderOptions,
  type EgressTarget,
  parseEgressRules,
} from "../../domain/egress-decision.ts";
import type { StreamListener, WireStream } from "../../wire/stream.ts";
import { WireError } from "../../wire/wire-error.ts";
import { EgressConnection } from "./egress-connection.ts";

export interface EgressRelayOptions extends EgressDeciderOptions {
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  readonly connectionsPerInstanceMax: number;
}

export const defaultEgressOptions: Omit<EgressRelayOptions, "clock"> = {
  privateAllow: [],
  denied: [],
  connectTimeoutMs: 10_000,
  connectionsPerInstanceMax: 100,
  resolve: async (host) => (await lookup(host, { all: true })).map((found) => found.address),
};

/** The way out of one instance. */
export interface EgressGate {
  /** Answers a guest's `open` frame and relays what follows. */
  open(stream: WireStream, payload: Buffer): StreamListener;
  /** Ends every connection. */
  close(): void;
}

export interface EgressRelay {
  /**
   * Makes the gate of an instance whose manifest allows `allow` (undefined: the internet).
   * `onDenied` hears a sentence for each refusal.
   */
  gate(options: {
    readonly allow: readonly string[] | undefined;
    readonly onDenied: (message: string) => void;
  }): EgressGate;
}

/** Creates the relay that carries guests' connections to the outside, after checking each. */
export function createEgressRelay(options: EgressRelayOptions): EgressRelay {
  const decide = createEgressDecider(options);
  return {
    gate({ allow, onDenied }) {
      const rules = allow === undefined ? undefined : parseEgressRules(allow);
      const connections = new Set<EgressConnection>();
      const admit = (stream: WireStream, target: EgressTarget | undefined): EgressConnection => {
        const connection = new EgressConnection(stream, () => connections.delete(connection));
        if (target === undefined) {
          connection.refuse("invalid_request", "The destination is no host and port");
        } else if (connections.size >= options.connectionsPerInstanceMax) {
          const limit = options.connectionsPerInstanceMax;
          connection.refuse("egress_limit", `The instance has ${limit} connections open already`);
        } else {
          connections.add(connection);
          void carry(connection, target);
        }
        return connection;
      };
      const carry = async (connection: EgressConnection, target: EgressTarget): Promise<void> => {
        // One timer bounds resolving and connecting together.
        const timer = options.clock.after(options.connectTimeoutMs, () =>
          connection.refuse(
            "egress_unreachable",
            `Cannot reach "${target.host}:${target.port}" within ${options.connectTimeoutMs} ms`,
          ),
        );
        try {
          const decision = await decide(target, rules);
          if (decision.kind === "refuse") {
            if (decision.code === "egress_denied") onDenied(decision.message);
            connection.refuse(decision.code, decision.message);
          } else {
            connection.accept(await connectFirst(decision.addresses, target, connection));
          }
        } catch (error) {
          connection.refuse("egress_unreachable", reasonOf(target, error));
        } finally {
          timer.cancel();
        }
      };
      return {
        open: (stream, payload) => admit(stream, parseTarget(payload)),
        close: () => {
          for (const connection of connections) connection.abort();
        },
      };
    },
  };
}

function parseTarget(payload: Buffer): EgressTarget | undefined {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString("utf8"));
  } catch (error) {
    throw new WireError("bad_frame", `Open frame is no JSON: ${String(error)}`);
  }
  if (typeof value !== "object" || value === null || !("host" in value) || !("port" in value)) {
    return undefined;
  }
  const { host, port } = value;
  const name = typeof host === "string" ? canonicalHost(host) : undefined;
  if (name === undefined || typeof port !== "number") return undefined;
  return Number.isInteger(port) && port >= 1 && port <= 65535 ? { host: name, port } : undefined;
}

/** Connects to the checked addresses themselves, in order; no second lookup that could differ. */
async function connectFirst(
  addresses: readonly string[],
  target: EgressTarget,
  connection: EgressConnection,
): Promise<Socket> {
  let last: unknown;
  for (const address of addresses.slice(0, 4)) {
    if (connection.settled) break;
    try {
      return await connectTo(address, target.port, connection);
    } catch (error) {
      last = error;
    }
  }
  throw last ?? new Error("the connection was given up");
}

function connectTo(address: string, port: number, connection: EgressConnection): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, allowHalfOpen: true });
    connection.attempt = socket;
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("the connection was given up")));
  });
}

function reasonOf(target: EgressTarget, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return `Cannot reach "${target.host}:${target.port}": ${message}`;
}

/** Answers an `open` of an instance that may not open anything. */
export function refuseOpen(stream: WireStream, message: string): StreamListener {
  const connection = new EgressConnection(stream, () => {});
  connection.refuse("egress_denied", message);
  return connection;
}
