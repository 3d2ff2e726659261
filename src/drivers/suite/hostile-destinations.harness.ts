/** A destination that no function may reach, as an attacker writes it in a URL. */
export interface HostileDestination {
  /** Host part of a URL, with user or brackets where the trick is there. */
  readonly spelling: string;
  /** Undefined: the port of the server that must not be reached. */
  readonly port?: number;
}

const secretOnly = [
  // Loopback: short, decimal, octal, hexadecimal, in full width and with other dots.
  "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001",
  "0x7F.0x0.0x0.0x1", "127.255.255.254", "127.0.0.1.", "１２７.0.0.1", "127。0。0。1", "localhost", "LOCALHOST",
  "localhost.", "0", "0.0.0.0", "0x0",
  // Version 6, and version 4 within it.
  "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
  "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:1::1]",
  "[2a00::200:5efe:127.0.0.1]", "[fe80::1]", "[fe80::1%25lo]", "[fe80::1%lo]", "[fc00::1]", "[fd00::2]",
  "[fec0::1]", "[ff02::1]", "[100::1]",
  // Names that lead there, alone, among public ones, and in odd answers.
  "private.test", "PRIVATE.Test.", "mixed.test", "mixed-last.test", "v6.test", "mapped.test", "nat64.test",
  "zone.test", "odd.test", "127.0.0.1.names.test",
  // A host that is open, on a port that is not, and as a user.
  "open.test", "open.test@127.0.0.1", "open.test:80@127.0.0.1", "open.test%2f@127.0.0.1",
  // The server's own public address, its forms and its name.
  "198.51.100.7", "0xc6336407", "[::ffff:198.51.100.7]", "[64:ff9b::198.51.100.7]", "[2002:c633:6407::1]", "own.test",
]; // biome-ignore format: a table

const elsewhere = [
  "10.0.0.5", "012.0.0.5", "167772165", "172.16.0.1", "172.31.255.255", "192.168.1.1", "0xc0a80101",
  "100.64.0.1", "198.18.0.1", "192.0.0.192", "224.0.0.1", "255.255.255.255", "240.0.0.1",
  "169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518", "[::ffff:169.254.169.254]",
  "metadata.test", "[fd00:ec2::254]",
]; // biome-ignore format: a table

export const hostileDestinations: readonly HostileDestination[] = [
  ...secretOnly.map((spelling) => ({ spelling })),
  ...elsewhere.map((spelling) => ({ spelling, port: 80 })),
];

/** Where an open host redirects to; `SECRET` is the port that must not be reached. */
export const hostileRedirects: readonly string[] = [
  "http://127.0.0.1:SECRET/", "http://2130706433:SECRET/", "http://[::1]:SECRET/", "http://[::ffff:7f00:1]:SECRET/",
  "//127.0.0.1:SECRET/", "https://127.0.0.1:SECRET/", "http://localhost:SECRET/", "http://private.test:SECRET/",
  "http://mixed.test:SECRET/", "http://169.254.169.254/latest/meta-data/", "http://open.test@127.0.0.1:SECRET/",
  "http://open.test:SECRET/", "/redirect?status=302&to=http%3A%2F%2F127.0.0.1%3ASECRET%2F",
]; // biome-ignore format: a table

/** What is said to the proxy by hand. `OPEN` is the port of the open host. */
export const hostileProxyHeads: readonly string[] = [
  "CONNECT 127.0.0.1:SECRET HTTP/1.1", "CONNECT localhost:SECRET HTTP/1.1", "CONNECT [::1]:SECRET HTTP/1.1",
  "CONNECT [::ffff:127.0.0.1]:SECRET HTTP/1.1", "CONNECT 0x7f.1:SECRET HTTP/1.1", "CONNECT open.test:SECRET HTTP/1.1",
  "CONNECT open.test@127.0.0.1:SECRET HTTP/1.1", "CONNECT open.test:OPEN@127.0.0.1:SECRET HTTP/1.1",
  "CONNECT http://127.0.0.1:SECRET/ HTTP/1.1", "CONNECT 127.0.0.1:SECRET/x HTTP/1.1", "CONNECT open.test:0 HTTP/1.1",
  "CONNECT open.test:65536 HTTP/1.1", "CONNECT open.test:22 HTTP/1.1", "CONNECT open.test: HTTP/1.1", "CONNECT open.test HTTP/1.1",
  "CONNECT [fe80::1%25lo]:80 HTTP/1.1", "CONNECT :SECRET HTTP/1.1", "CONNECT 127.0.0.1:SECRET", "CONNECT 127.0.0.1 SECRET HTTP/1.1",
  "GET http://127.0.0.1:SECRET/ HTTP/1.1\r\nHost: open.test:OPEN", "GET http://open.test@127.0.0.1:SECRET/ HTTP/1.1",
  "GET / HTTP/1.1\r\nHost: 127.0.0.1:SECRET", "GET //127.0.0.1:SECRET/ HTTP/1.1", "GET https://127.0.0.1:SECRET/ HTTP/1.1",
  "GET ftp://127.0.0.1:SECRET/ HTTP/1.1", "OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1:SECRET",
]; // biome-ignore format: a table

/** What names resolve to. `rebind.test` is not among them: it gives another address each time. */
export const hostileNames: Readonly<Record<string, readonly string[]>> = {
  "open.test": ["127.0.0.1"],
  localhost: ["127.0.0.1", "::1"],
  "private.test": ["10.1.2.3"],
  "mixed.test": ["127.0.0.1", "93.184.216.34"],
  "mixed-last.test": ["93.184.216.34", "127.0.0.1"],
  "v6.test": ["::1"],
  "mapped.test": ["::ffff:127.0.0.1"],
  "nat64.test": ["64:ff9b::7f00:1"],
  "zone.test": ["fe80::1%lo"],
  "odd.test": ["0x7f.1"],
  "127.0.0.1.names.test": ["127.0.0.1"],
  "own.test": ["198.51.100.7"],
  "metadata.test": ["169.254.169.254"],
};
