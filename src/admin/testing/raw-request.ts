import { connect } from "node:net";

/** Sends bytes as they are and resolves with all that came back until the server closed. */
export function rawRequest(
  port: number,
  pieces: readonly (string | Uint8Array)[],
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      answer += text;
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // A server that refuses a body may reset the connection after its answer.
      if (error.code === "ECONNRESET" || error.code === "EPIPE") resolve(answer);
      else reject(error);
    });
    socket.on("close", () => resolve(answer));
    for (const piece of pieces) socket.write(piece);
  });
}
