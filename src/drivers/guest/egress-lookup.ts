import { frameType } from "../../wire/frames.ts";
import type { StreamListener, WireStream } from "../../wire/stream.ts";
import type { OpenedMessage } from "./messages.ts";

/** Gives the addresses of a name; rejects with an error whose `code` is the platform's. */
export type LookupHost = (host: string) => Promise<readonly string[]>;

/** Asks the host's relay, since the sandbox has no name server. */
export function lookupThroughEgress(
  openStream: (listener: StreamListener) => WireStream,
): LookupHost {
  return (host) =>
    new Promise((resolve, reject) => {
      const fail = (code: string, message: string): void =>
        reject(Object.assign(new Error(message), { code }));
      const stream: WireStream = openStream({
        answer(_type, json) {
          stream.close();
          const { error, addresses = [] }: OpenedMessage = JSON.parse(json);
          if (error === undefined) resolve(addresses);
          else fail(error.code, error.message);
        },
        cancelled(reason) {
          stream.close();
          fail("egress_unreachable", reason);
        },
        closed: (error) => fail("egress_unreachable", error.message),
        // Nothing of a lookup is data.
        data() {},
        end() {},
        drained() {},
      });
      stream.json(frameType.open, { host, lookup: true });
    });
}
