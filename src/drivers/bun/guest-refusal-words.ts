/** How a database protocol says that there is no connection, so that its client shows the reason. */
export type RefusalWords = (code: string, message: string, received: Buffer) => Uint8Array;

const sslRequest = 80_877_103;

/** An ErrorResponse of PostgreSQL; to a client that asks for TLS first, that there is none. */
export const postgresWords: RefusalWords = (code, message, received) => {
  const fields = `SFATAL\0VFATAL\0C08001\0M${code}: ${message}\0\0`;
  const head = Buffer.alloc(5);
  head.write("E");
  head.writeUInt32BE(4 + Buffer.byteLength(fields), 1);
  const asksForTls = received.length >= 8 && received.readUInt32BE(4) === sslRequest;
  return Buffer.concat([Buffer.from(asksForTls ? "N" : ""), head, Buffer.from(fields)]);
};

/** An ERR packet of MySQL in place of the server's greeting: 2003, cannot connect. */
export const mysqlWords: RefusalWords = (code, message) => {
  const text = Buffer.from(`${code}: ${message}`);
  const head = Buffer.from([0, 0, 0, 0, 0xff, 2003 & 0xff, 2003 >> 8]);
  head.writeUIntLE(3 + text.length, 0, 3);
  return Buffer.concat([head, text]);
};

/** An error of RESP, as the answer to the client's first command. */
export const redisWords: RefusalWords = (code, message) =>
  Buffer.from(`-ERR ${code}: ${message.replace(/[\r\n]/g, " ")}\r\n`);
