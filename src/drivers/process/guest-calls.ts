import { frameType } from "../../wire/frames.ts";
import type { StreamListener, WireStream } from "../../wire/stream.ts";

const deaf: StreamListener = {
  data() {},
  end() {},
  cancelled() {},
  drained() {},
  closed() {},
};

/** Answers a platform call (`ctx.db` and the like) of a driver that serves none. */
export function refuseCall(stream: WireStream): StreamListener {
  const message = "Cannot serve platform calls: this server has none yet";
  stream.json(frameType.reply, { error: { code: "runtime_error", message } });
  stream.close();
  return deaf;
}
