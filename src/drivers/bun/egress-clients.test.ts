import {
  type ClientCase,
  clientSource,
  clientSuite,
  commonCases,
  commonWays,
} from "../suite/client-suite.harness.ts";
import { createTestDriver } from "./test-driver.harness.ts";

const ways = `${commonWays}
  "lookup of node:dns, imported by name": ({ host }) => new Promise((resolve, reject) => lookup(host, (error, address) => error ? reject(error) : resolve(address))),
  "Bun.fetch": async ({ host, port }) => { const response = await Bun.fetch("http://" + host + ":" + port + "/"); const text = await response.text(); if (response.status === 403) throw new Error(text); return text; },
  WebSocket: ({ host, port }) => messageOf(new WebSocket("ws://" + host + ":" + port + "/")),
  "WebSocket of wss": ({ host, port, ca }) => messageOf(new WebSocket("wss://" + host + ":" + port + "/", { tls: { ca } })),
  "Bun.connect": ({ host, port }) => said({ hostname: host, port }, "*1\\r\\n$4\\r\\nPING\\r\\n", 7),
  "connect, imported": ({ host, port }) => said({ hostname: host, port }, "*1\\r\\n$4\\r\\nPING\\r\\n", 7, connect),
  "Bun.connect with TLS": ({ host, port, ca }) => said({ hostname: host, port, tls: { ca } }, "GET / HTTP/1.0\\r\\n\\r\\n", 15),
  "Bun.RedisClient": async ({ host, port }) => { const client = new Bun.RedisClient("redis://" + host + ":" + port, { autoReconnect: false }); await client.set("key", "value"); return [await client.get("key"), client instanceof RedisClient]; },
  "Bun.S3Client": ({ host, port }) => new Bun.S3Client({ endpoint: "http://" + host + ":" + port, accessKeyId: "id", secretAccessKey: "key", bucket: "bucket" }).file("name").text(),
  "Bun.redis": ({ host, port }) => { process.env.REDIS_URL ??= "redis://" + host + ":" + port; return Bun.redis.ping(); },
  "Bun.SQL of PostgreSQL": ({ host, port }) => new Bun.SQL("postgres://user:word@" + host + ":" + port + "/data")\`SELECT 1\`,
  "Bun.SQL of MySQL": ({ host, port }) => new SQL("mysql://user:word@" + host + ":" + port + "/data")\`SELECT 1\`,
  "Bun.dns.lookup": async ({ host }) => (await Bun.dns.lookup(host)).map(({ address }) => address),
  "Bun.udpSocket": async ({ host, port }) => (await Bun.udpSocket({})).send("x", port, host),
  "Bun.udpSocket, connected": ({ host, port }) => Bun.udpSocket({ connect: { hostname: host, port } }),
`;

const imports = `
import { connect, RedisClient, SQL } from "bun";
const messageOf = (socket) => new Promise((resolve, reject) => {
  socket.onopen = () => socket.send("message");
  socket.onmessage = ({ data }) => { resolve(data); socket.close(); };
  socket.onerror = (event) => reject(event.error ?? new Error(event.message));
});
const said = (to, question, length, open = Bun.connect) => new Promise((resolve, reject) => {
  let text = "";
  const heard = [];
  open({ ...to, socket: {
    open: (socket) => void socket.write(question),
    data(socket, chunk) { text += chunk; if (text.length >= length) { resolve(text.slice(0, length)); socket.end(); } },
    connectError: (socket, error) => void heard.push(error),
    error: (socket, error) => reject(error),
  } }).catch((error) => reject(heard[0] === error ? error : new Error("connectError has not heard it")));
});`;

const denied =
  /^egress_denied: Egress to "private\.test(?::7000)?" is denied: .+ in egress\.private_allow$/;
/** As an error of the server, in the client's own protocol, or in the answer of the proxy. */
const within =
  /egress_denied.+Egress to .+private\.test:7000.+ is denied: .+ in egress\.private_allow/;
const unsupported = /^egress_unsupported: Cannot send to private\.test port 7000: datagrams/;
const proxied = /Proxy connection failed: 403 Egress to .+private\.test:7000.+ is denied: /;

const cases: readonly ClientCase[] = [
  ...commonCases,
  {
    way: "lookup of node:dns, imported by name",
    server: "none",
    gives: "127.0.0.1",
    denied: /^egress_denied/,
  },
  // It cannot be replaced, so it hands out the proxy's answer.
  { way: "Bun.fetch", server: "http", gives: "open word", denied: within },
  { way: "WebSocket", server: "http", gives: "open message", denied: proxied },
  { way: "WebSocket of wss", server: "https", gives: "secure message", denied: proxied },
  { way: "Bun.connect", server: "redis", gives: "+PONG\r\n", denied },
  { way: "connect, imported", server: "redis", gives: "+PONG\r\n", denied },
  { way: "Bun.connect with TLS", server: "https", gives: "HTTP/1.1 200 OK", denied },
  { way: "Bun.RedisClient", server: "redis", gives: ["value", true], denied: within },
  { way: "Bun.S3Client", server: "http", gives: "open word", denied: within },
  { way: "Bun.redis", server: "redis", gives: "PONG" },
  // test/e2e/egress-postgres.test.ts has them reach a real server.
  { way: "Bun.SQL of PostgreSQL", server: "none", gives: undefined, denied: within },
  { way: "Bun.SQL of MySQL", server: "none", gives: undefined, denied: within },
  { way: "Bun.dns.lookup", server: "none", gives: ["127.0.0.1"], denied },
  { way: "Bun.udpSocket", server: "none", gives: undefined, denied: unsupported },
  { way: "Bun.udpSocket, connected", server: "none", gives: undefined, denied: unsupported },
];

clientSuite("Bun", {
  runtime: "bun",
  make: (egress) => createTestDriver({ blanksMax: 0, egress }),
  source: clientSource("(url, ca) => fetch(url, { tls: { ca } })", ways, imports),
  cases,
});
