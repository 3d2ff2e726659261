import { lookup } from "node:dns/promises";
import type { Clock } from "../../base/clock.ts";
import { canonicalHost, parseAddress } from "../../domain/egress.ts";
import {
  createEgressDecider,
  type DecideEgress,
  destinationText,
  type EgressDeciderOptions,
  type EgressDecision,
  type EgressDenial,
  type EgressTarget,
  parseEgressRules,
} from "../../domain/egress-decision.ts";
import type { StreamListener, WireStream } from "../../wire/stream.ts";
import { connectFirst } from "./connect-first.ts";
import { EgressConnection } from "./egress-connection.ts";
import { LearnedNames } from "./learned-names.ts";
import { parseOpen } from "./parse-open.ts";

export interface EgressRelayOptions extends EgressDeciderOptions {
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  /** Connections and lookups of one instance at once. */
  readonly connectionsPerInstanceMax: number;
  /** How long a connection may carry nothing in either direction. */
  readonly idleTimeoutMs: number;
}

export const defaultEgressOptions: Omit<EgressRelayOptions, "clock"> = {
  privateAllow: [],
  denied: () => [],
  own: () => [],
  connectTimeoutMs: 10_000,
  connectionsPerInstanceMax: 100,
  idleTimeoutMs: 3_600_000,
  resolve: async (host) => (await lookup(host, { all: true })).map((found) => found.address),
};

/** The way out of one instance. */
export interface EgressGate {
  /** Answers a guest's `open` frame and relays what follows. */
  open(stream: WireStream, payload: Buffer): StreamListener;
  /** Ends every connection. */
  close(): void;
}

interface GateOptions {
  /** What the manifest allows; undefined: the internet. */
  readonly allow: readonly string[] | undefined;
  /** Hears of each refusal by a rule. */
  readonly onDenied: (denial: EgressDenial) => void;
}

export interface EgressRelay {
  gate(options: GateOptions): EgressGate;
}

/** Creates the relay that carries guests' connections to the outside, after checking each. */
export function createEgressRelay(options: EgressRelayOptions): EgressRelay {
  const decide = createEgressDecider(options);
  return { gate: (gate) => new RelayGate(gate, decide, options) };
}

class RelayGate implements EgressGate {
  readonly #options: EgressRelayOptions;
  readonly #onDenied: GateOptions["onDenied"];
  readonly #decide: (target: EgressTarget) => Promise<EgressDecision>;
  readonly #connections = new Set<EgressConnection>();
  readonly #learned: LearnedNames;

  constructor({ allow, onDenied }: GateOptions, decide: DecideEgress, options: EgressRelayOptions) {
    const rules = allow === undefined ? undefined : parseEgressRules(allow);
    this.#options = options;
    this.#learned = new LearnedNames(options.clock);
    this.#onDenied = onDenied;
    this.#decide = (target) => decide(target, rules);
  }

  open(stream: WireStream, payload: Buffer): StreamListener {
    const connection = new EgressConnection(stream, {
      clock: this.#options.clock,
      idleTimeoutMs: this.#options.idleTimeoutMs,
      onClosed: () => this.#connections.delete(connection),
    });
    const asked = parseOpen(payload);
    const max = this.#options.connectionsPerInstanceMax;
    if (asked.kind === "invalid") {
      const message = `Egress to ${JSON.stringify(asked.text)} is denied: it is no host and port`;
      const denial = { reason: "invalid_destination", host: asked.text, port: undefined } as const;
      this.#deny(connection, { ...denial, message });
    } else if (this.#connections.size >= max) {
      const to = JSON.stringify(destinationText(asked.target));
      const message = `Egress to ${to} is denied: the instance has ${max} connections open, as many as egress.connections_max allows`;
      const { host, port } = asked.target;
      this.#deny(connection, { reason: "connections", host, port, message });
    } else {
      this.#connections.add(connection);
      void this.#serve(connection, asked.target);
    }
    return connection;
  }

  close(): void {
    for (const connection of this.#connections) connection.abort();
  }

  #deny(connection: EgressConnection, denial: EgressDenial): void {
    if (connection.settled) return;
    this.#onDenied(denial);
    connection.refuse(
      denial.reason === "connections" ? "egress_limit" : "egress_denied",
      denial.message,
    );
  }

  async #serve(connection: EgressConnection, target: EgressTarget): Promise<void> {
    const { clock, connectTimeoutMs } = this.#options;
    const to = JSON.stringify(destinationText(target));
    // One timer bounds resolving and connecting together.
    const timer = clock.after(connectTimeoutMs, () =>
      connection.refuse("egress_unreachable", `Cannot reach ${to} within ${connectTimeoutMs} ms`),
    );
    try {
      const decision = await this.#decideAsMeant(target);
      if (decision.kind === "deny") this.#deny(connection, decision.denial);
      else if (decision.kind === "unreachable") {
        connection.refuse("egress_unreachable", decision.message);
      } else if (target.port === undefined) {
        this.#learned.learn(target.host, decision.addresses.map(canonical));
        connection.answerLookup(decision.addresses);
      } else {
        connection.accept(await connectFirst(decision.addresses, target.port, connection));
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      connection.refuse("egress_unreachable", `Cannot reach ${to}: ${reason}`);
    } finally {
      timer.cancel();
    }
  }

  /**
   * Decides about an address as about the names that led the instance there, when the address itself
   * is not open. Names are not resolved again: many give other addresses each time.
   */
  async #decideAsMeant(target: EgressTarget): Promise<EgressDecision> {
    const decision = await this.#decide(target);
    if (decision.kind !== "deny" || parseAddress(target.host) === undefined) return decision;
    for (const name of this.#learned.of(target.host)) {
      const named = await this.#decide({ ...target, host: name, address: target.host });
      if (named.kind === "connect") return named;
    }
    return decision;
  }
}

function canonical(address: string): string {
  return canonicalHost(address) ?? address;
}

/** Answers an `open` of an instance that may not open anything. */
export function refuseOpen(stream: WireStream, message: string, clock: Clock): StreamListener {
  const connection = new EgressConnection(stream, { clock, idleTimeoutMs: 0, onClosed: () => {} });
  connection.refuse("egress_denied", message);
  return connection;
}
