import { constants, crc32, deflateRawSync } from "node:zlib";
import { gzipAround, tarEntry, tarEnd } from "../../archive/raw-tar.harness.ts";
import { rawZip } from "../../archive/raw-zip.harness.ts";

const pieceBytes = 16 * 1_048_576;

/**
 * Archives of one file of zeros, `bytes` long, a multiple of 16 MiB. Never unpacked here either: the
 * data is one deflated piece again and again, which a full flush makes independent of the others.
 */
export function zeroBomb(kind: "zip" | "tar.gz", bytes: number): Buffer {
  const pieces = bytes / pieceBytes;
  const zeros = Buffer.alloc(pieceBytes);
  const flushed = deflateRawSync(zeros, { finishFlush: constants.Z_FULL_FLUSH });
  const body = Array<Uint8Array>(pieces).fill(flushed);
  if (kind === "zip") {
    const packed = Buffer.concat([...body, deflateRawSync(new Uint8Array())]);
    const checksum = body.reduce((sum) => crc32(zeros, sum), 0);
    return rawZip([{ name: "zeros.bin", method: 8, packed, unpackedBytes: bytes, checksum }]);
  }
  const size = `${bytes.toString(8).padStart(11, "0")}\0`;
  const head = tarEntry({ name: "zeros.bin", body: "", size });
  const start = deflateRawSync(head, { finishFlush: constants.Z_FULL_FLUSH });
  const deflated = Buffer.concat([start, ...body, deflateRawSync(tarEnd)]);
  const checksum = crc32(
    tarEnd,
    body.reduce((sum) => crc32(zeros, sum), crc32(head)),
  );
  return gzipAround(deflated, head.length + bytes + tarEnd.length, { checksum });
}
