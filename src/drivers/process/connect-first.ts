import { connect, type Socket } from "node:net";
import type { EgressConnection } from "./egress-connection.ts";

const addressesTriedMax = 4;

/** Connects to the checked addresses themselves, in order; no second lookup that could differ. */
export async function connectFirst(
  addresses: readonly string[],
  port: number,
  connection: EgressConnection,
): Promise<Socket> {
  let last: unknown;
  for (const address of addresses.slice(0, addressesTriedMax)) {
    if (connection.settled) break;
    try {
      return await connectTo(address, port, connection);
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
