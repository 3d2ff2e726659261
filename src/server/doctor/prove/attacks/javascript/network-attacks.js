import net from "node:net";
import { codeOf, outcomes } from "./outcome.js";

const withinMs = 3000;

export const networkAttacks = {
  /** Opens plain connections to hosts and ports, or to Unix sockets. */
  connect: ({ targets }) =>
    outcomes(Object.entries(targets).map(([name, target]) => [name, () => connected(target)])),

  /** Asks URLs; an answer counts when it holds the text. */
  fetch: ({ urls, text }) =>
    outcomes(
      urls.map((url) => [
        url,
        async () => {
          const response = await fetch(url, { signal: AbortSignal.timeout(withinMs) });
          const body = await response.text();
          if (response.ok && body.includes(text)) return String(response.status);
          throw Object.assign(new Error("no such text"), { code: `status ${response.status}` });
        },
      ]),
    ),
};

/** Resolves when the other side says something. */
function connected(target) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(target);
    const timer = setTimeout(() => socket.destroy(new Error("SILENT")), withinMs);
    socket.once("data", () => {
      resolve("said hello");
      socket.destroy();
    });
    socket.once("error", (error) => {
      const code = error.message === "SILENT" ? "SILENT" : codeOf(error);
      reject(Object.assign(new Error(code), { code }));
    });
    socket.once("close", () => {
      clearTimeout(timer);
      reject(Object.assign(new Error("closed"), { code: "CLOSED" }));
    });
  });
}
