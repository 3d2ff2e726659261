import { Transform } from "node:stream";

/** Passes bytes on and fails once there were more than `bytesMax`. */
export function byteLimit(bytesMax: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= bytesMax) done(null, chunk);
      else done(new Error(`there were more than ${bytesMax} bytes`));
    },
  });
}
