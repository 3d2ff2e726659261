import type { Socket } from "node:net";
import { createDeferred } from "../../base/deferred.ts";
import { endOfTurn } from "../../base/end-of-turn.ts";
import { WireConnection } from "../../wire/connection.ts";
import { frameType, protocolVersion } from "../../wire/frames.ts";
import { WireError } from "../../wire/wire-error.ts";
import { hostHello } from "../process/handshake.ts";
import { parseHello } from "../process/parse-frame.ts";
import type { ControlPort } from "./control-port.ts";
import { type PersonaliseOptions, rehearsePersonalising } from "./personalise.ts";

/** Room for a hello; a guest without a function says nothing else. */
const payloadBytesMax = 16 * 1024;

/**
 * Says hello to the guest of a template-to-be and waits until it is a blank that has nothing left to
 * do: what it prepares before its first function is then done once for every clone, and so are the
 * first steps of a clone. Clones begin where this ends, so what is said here is not said again. The
 * wire is paused and free by then.
 */
export async function warmTemplate(
  wire: Socket,
  control: ControlPort,
  clock: PersonaliseOptions["clock"],
): Promise<void> {
  const answered = createDeferred<void>();
  const connection = new WireConnection({
    role: "host",
    sink: { write: (bytes) => wire.write(bytes) },
    listener: {
      frame: (type, payload) => {
        if (type === frameType.pong) {
          answered.resolve();
          return;
        }
        if (type !== frameType.hello) {
          throw new WireError("bad_frame", `Frame type ${type} is not expected of a template`);
        }
        parseHello(payload.toString("utf8"), protocolVersion);
        connection.send(frameType.hello, hostHello);
        connection.send(frameType.ping);
      },
      opened: () => {
        throw new WireError("bad_stream", "A template opens no streams");
      },
      closed: (error) => answered.reject(error),
    },
    payloadBytesMax,
    peerStreamsMax: 1,
    endOfTurn,
  });
  wire.on("data", (chunk: Buffer) => connection.receive(chunk));
  wire.on("error", () => wire.destroy());
  wire.on("close", () => connection.close(new WireError("connection_closed", "It hung up")));
  wire.resume();
  const ended = control.runtimeEnd.then((end) => {
    throw new Error(`Its runtime ended before it said hello: ${JSON.stringify(end)}`);
  });
  await Promise.race([answered.promise, ended]);
  const rehearse = async (): Promise<void> => {
    // Says where the memory is that tells libraries of a copy.
    await control.send("settle");
    await rehearsePersonalising(control, clock);
    connection.send(frameType.rehearse);
    await control.send("settle");
  };
  await Promise.race([rehearse(), ended]);
  wire.pause();
  for (const name of ["data", "error", "close"]) wire.removeAllListeners(name);
}
