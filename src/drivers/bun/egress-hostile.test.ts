import { hostileSource, hostileSuite } from "../suite/hostile-suite.harness.ts";
import { createTestDriver } from "./test-driver.harness.ts";

const ways = `
  "Bun.connect": (url) => new Promise((resolve, reject) => {
    const { host, port } = partsOf(url);
    let text = "";
    Bun.connect({ hostname: host, port, socket: {
      open: (socket) => void socket.write(question(host)),
      data(socket, chunk) { text += chunk; },
      close: () => text === "" ? reject(new Error("closed")) : resolve(text),
      error: (socket, error) => reject(error),
    } }).catch(reject);
  }),
  WebSocket: (url) => new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace("http", "ws"));
    socket.onopen = () => resolve("opened");
    // That of the open door says no to an upgrade, with what it would say to anybody.
    socket.onerror = (event) => event.message.includes("Expected 101") ? resolve("open word") : reject(new Error(event.message));
  }),
`;

hostileSuite("Bun", {
  runtime: "bun",
  make: (egress) => createTestDriver({ blanksMax: 0, egress }),
  source: hostileSource(ways),
  ways: ["fetch", "node:http", "node:net", "Bun.connect", "WebSocket"],
  hasProxy: true,
});
