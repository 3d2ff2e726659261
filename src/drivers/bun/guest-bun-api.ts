import type { LookupHost } from "../guest/egress-lookup.ts";
import { NameAnswers } from "../javascript/guest/name-answers.ts";
import type { Reaches } from "../guest/runtime-parts.ts";
import { datagramRefusal, isOwnLoopback } from "../javascript/guest/refuse-datagrams.ts";
import { askingFunctions } from "../javascript/guest/route-lookups.ts";
import type { EgressListener } from "./guest-egress.ts";
import { routeConnect } from "./guest-connect.ts";
import { routeRedis, routeSql } from "./guest-databases.ts";
import { routeWebSocket } from "./guest-web-socket.ts";

interface Ways {
  readonly egress: EgressListener;
  readonly lookupHost: LookupHost;
  readonly proxyPort: number;
}

/**
 * Routes those of Bun's own clients that a function may reach: looking at one of them loads it,
 * `Bun.SQL` for 4 ms.
 */
export function routeBunApi(reaches: Reaches, { egress, lookupHost, proxyPort }: Ways): void {
  if (reaches("web_socket")) routeWebSocket(proxyPort);
  if (reaches("bun_connect")) routeConnect(egress);
  if (reaches("bun_sql")) routeSql(egress);
  if (reaches("bun_redis")) routeRedis(egress);
  if (reaches("bun_datagrams")) refuseUdpSockets();
  if (reaches("bun_names")) routeBunDns(lookupHost);
}

/** `Bun.dns` gives a list of addresses where node:dns gives the first. */
function routeBunDns(lookupHost: LookupHost): void {
  const { dns } = Bun;
  const platformLookup: unknown = Reflect.get(dns, "lookup");
  if (typeof platformLookup !== "function") return;
  const asked = askingFunctions(new NameAnswers(lookupHost), (host, options) =>
    Reflect.apply(platformLookup, dns, [host, options]),
  );
  const lookup = async (host: unknown, options: unknown): Promise<unknown> => {
    const answer = await asked["lookup"]?.(host, { ...Object(options), all: true });
    return Array.isArray(answer) ? answer.map((found) => ({ ttl: 0, ...found })) : answer;
  };
  for (const [name, ask] of Object.entries({ ...asked, lookup })) {
    if (typeof Reflect.get(dns, name) === "function") Reflect.set(dns, name, ask);
  }
}

/** Datagrams have no way out: says so for every destination but the sandbox's own loopback. */
function refuseUdpSockets(): void {
  const platform: (options: object) => Promise<object> = Reflect.get(Bun, "udpSocket").bind(Bun);
  const udpSocket = async (options: object = {}): Promise<object> => {
    const peer: unknown = Reflect.get(options, "connect");
    if (typeof peer === "object" && peer !== null) {
      const host: unknown = Reflect.get(peer, "hostname");
      if (!isOwnLoopback(host)) throw datagramRefusal(host, Reflect.get(peer, "port"));
    }
    const socket = await platform(options);
    watchSends(socket);
    return socket;
  };
  Object.assign(Bun, { udpSocket });
}

function watchSends(socket: object): void {
  const send: unknown = Reflect.get(socket, "send");
  const sendMany: unknown = Reflect.get(socket, "sendMany");
  if (typeof send !== "function" || typeof sendMany !== "function") return;
  Reflect.set(socket, "send", (data: unknown, port?: unknown, host?: unknown) => {
    if (!isOwnLoopback(host)) throw datagramRefusal(host, port);
    return Reflect.apply(send, socket, host === undefined ? [data] : [data, port, host]);
  });
  Reflect.set(socket, "sendMany", (packets: readonly unknown[]) => {
    // Of a socket without a peer: data, port and host by turns.
    const at = packets.findIndex((each, i) => i % 3 === 2 && typeof each === "string");
    const isConnected = at === -1 || typeof packets[1] !== "number";
    const host = isConnected
      ? undefined
      : packets.find((each, i) => i % 3 === 2 && !isOwnLoopback(each));
    if (host !== undefined) throw datagramRefusal(host, packets[packets.indexOf(host) - 1]);
    return Reflect.apply(sendMany, socket, [packets]);
  });
}
