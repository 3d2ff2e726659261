import dgram from "node:dgram";
import fs from "node:fs";
import net from "node:net";
import type { Aims } from "./aims.ts";
import { canaryIn, type Escape, Refused, type Way } from "./attempt.ts";
import { laterOutputOf, outputOf } from "./machine.ts";

const answerMsMax = 2_000;
/** Where the proxy of the sandbox listens. */
const proxyPort = 3128;

/** Connects and gives what the other side says first, or "connected" when it says nothing. */
function talk(to: net.NetConnectOpts, send = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(to);
    let text = "";
    let isConnected = false;
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      if (isConnected) resolve(text || "connected");
      else reject(new Refused("no answer"));
    };
    const timer = setTimeout(end, answerMsMax);
    socket.on("connect", () => {
      isConnected = true;
      if (send !== "") socket.write(send);
    });
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (canaryIn(text) !== undefined || text.includes("\r\n\r\n")) end();
    });
    socket.on("close", end);
    socket.on("error", (error) => {
      clearTimeout(timer);
      reject(/^Egress to .* is denied/.test(error.message) ? new Refused(error.message) : error);
    });
  });
}

/** By the shell of the machine, which knows nothing of the runtime's ways. */
function talkByPerl(host: string, port: number): Promise<string> {
  const script = `use Socket qw(:all); socket(my $s, ${host.includes(":") ? "PF_INET6" : "PF_INET"}, SOCK_STREAM, 0) or exit 9; $SIG{ALRM} = sub { exit 8 }; alarm 1; my $a = ${
    host.includes(":")
      ? `pack_sockaddr_in6(${port}, inet_pton(AF_INET6, "${host}"))`
      : `pack_sockaddr_in(${port}, inet_aton("${host}"))`
  }; connect($s, $a) or do { print "$!"; exit 7 }; alarm 1; print "connected "; my $l = <$s>; print $l;`;
  return laterOutputOf("/usr/bin/perl", ["-e", script]);
}

/** Any page that another than the proxy's refusal answers. */
async function page(url: string): Promise<string> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(answerMsMax), redirect: "manual" });
  } catch (error) {
    const { cause } = error as Error;
    throw new Refused(String(cause ?? error).slice(0, 80));
  }
  return `${response.status} ${(await response.text()).slice(0, 200)}`;
}

function reaching(name: string, host: string, port: number, isHttp = false): Escape {
  const isName = !/^[\d.]+$|:/.test(host);
  const shown = host.includes(":") ? `[${host}]` : host;
  const ways: Record<string, Way> = {
    "node:net": async () => realAnswer(await talk({ host, port }, isHttp ? getHead(shown) : "")),
    fetch: async () => realAnswer(await page(`http://${shown}:${port}/fn/v1/health`)),
  };
  if (!isName) ways["perl"] = async () => realAnswer(await talkByPerl(host, port));
  return { name, ways };
}

function getHead(host: string): string {
  return `GET /fn/v1/health HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
}

/** A connection that is closed without a word was the relay's refusal. */
function realAnswer(text: string): string | undefined {
  const said = text.replace(/^connected ?/, "");
  const denial = /"message":"(Egress to [^}]*)"/.exec(said)?.[1];
  if (denial !== undefined) throw new Refused(denial);
  return canaryIn(said) ?? (/"status"|HTTP\/1\.1 200|^\d{3} /.test(said) ? said : undefined);
}

function throughProxy(target: string): Way {
  return async () => {
    const to = { host: "127.0.0.1", port: proxyPort };
    const answer = await talk(to, `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
    if (answer.startsWith("HTTP/1.1 200")) return answer;
    throw new Refused(answer.split("\r\n")[0] ?? "");
  };
}

function datagram(host: string, port: number, send: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = dgram.createSocket(host.includes(":") ? "udp6" : "udp4");
    let isOpen = true;
    const fail = (error: Error): void => {
      clearTimeout(timer);
      if (isOpen) socket.close();
      isOpen = false;
      // Some runtimes give no code.
      reject(new Refused(error.message));
    };
    const timer = setTimeout(() => fail(new Refused("no answer")), answerMsMax);
    socket.on("error", fail);
    socket.on("message", (message) => {
      clearTimeout(timer);
      if (isOpen) socket.close();
      isOpen = false;
      resolve(`answered ${message.toString("latin1").slice(0, 80)}`);
    });
    // A connected socket hears that nobody listens.
    socket.connect(port, host, (error?: unknown) => {
      if (error instanceof Error) fail(error);
      else socket.send(send);
    });
  });
}

/** A question for the address of a name, as DNS puts it. */
const question = Buffer.from("1234010000010000000000000765786d706c6503636f6d0000010001", "hex");

function ofSockets(aims: Aims): Escape[] {
  const path = (name: string, paths: readonly string[]): Escape => ({
    name,
    ways: Object.fromEntries(paths.map((at) => [at, () => talk({ path: at })])),
  });
  const abstract = (name: string): Record<string, Way> => ({
    "node:net": async () => canaryIn(await talk({ path: `\0${name}` })),
    perl: async () =>
      canaryIn(
        await laterOutputOf("/usr/bin/perl", [
          "-e",
          `use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0) or exit 9; connect($s, pack("Sa*", 1, "\\0${name}")) or do { print "$!"; exit 7 }; my $l = <$s>; print $l`,
        ]),
      ),
  });
  return [
    path("connects to a Unix socket of the host", [aims.unixSocket]),
    {
      name: "connects to an abstract Unix socket of the host",
      ways: abstract(aims.abstractSocket),
    },
    path("connects to the Unix socket of another function", [aims.neighbour.unixSocket]),
    {
      name: "connects to an abstract Unix socket of another function",
      ways: abstract(aims.neighbour.abstractSocket),
    },
    {
      name: "connects to the sockets by which the server speaks with instances",
      ways: {
        "its own again": () => talk({ path: "/run/reactor/s" }),
        others: async () => {
          const kinds = fs.readdirSync(aims.runFolder);
          const slots = kinds.flatMap((kind) =>
            fs
              .readdirSync(`${aims.runFolder}/${kind}/i`)
              .map((id) => `${aims.runFolder}/${kind}/i/${id}/s`),
          );
          for (const slot of slots) return await talk({ path: slot });
          throw new Refused("none");
        },
      },
    },
    path("connects to the sockets of the machine's services", [
      "/run/dbus/system_bus_socket",
      "/run/docker.sock",
      "/var/run/docker.sock",
      "/run/systemd/notify",
      "/run/systemd/private",
      "/dev/log",
      "/tmp/.X11-unix/X0",
    ]),
  ];
}

/** What reaches beyond its own network. */
export function networkEscapes(aims: Aims): Escape[] {
  const { tcpPort, serverPort, neighbour } = aims;
  const spellings = ["localhost", "0.0.0.0", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"];
  const metadata = "169.254.169.254";
  return [
    reaching("reaches a service on the host's loopback", "127.0.0.1", tcpPort),
    reaching("reaches a service on the host's loopback by IPv6", "::1", tcpPort),
    reaching(
      "reaches a service on the host's loopback as a mapped address",
      "::ffff:127.0.0.1",
      tcpPort,
    ),
    {
      name: "reaches a service on the host's loopback by odd spellings",
      ways: Object.fromEntries(
        spellings.map((host) => [
          host,
          async () => realAnswer(await page(`http://${host}:${tcpPort}/`)),
        ]),
      ),
    },
    {
      name: "reaches the host by its own addresses",
      ways: Object.fromEntries(
        aims.addresses.flatMap((host) =>
          Object.entries(reaching("", host, tcpPort).ways).map(([by, way]) => [
            `${by} ${host}`,
            way,
          ]),
        ),
      ),
    },
    reaching("reaches the admin API", "127.0.0.1", serverPort, true),
    reaching("reaches the admin API by name", "localhost", serverPort, true),
    {
      name: "reaches the host through its own proxy",
      ways: Object.fromEntries(
        [
          `127.0.0.1:${tcpPort}`,
          `[::1]:${tcpPort}`,
          `localhost:${serverPort}`,
          `${metadata}:80`,
        ].map((target) => [target, throughProxy(target)]),
      ),
    },
    reaching("reaches the cloud's metadata", metadata, 80, true),
    reaching("reaches the cloud's metadata by IPv6", "fd00:ec2::254", 80, true),
    reaching("reaches private networks", "10.0.0.1", 80, true),
    reaching("reaches another function's service", "127.0.0.1", neighbour.tcpPort),
    {
      name: "sends datagrams to the host",
      ways: {
        "127.0.0.1": () => datagram("127.0.0.1", aims.udpPort, Buffer.from("?")),
        "::1": () => datagram("::1", aims.udpPort, Buffer.from("?")),
      },
    },
    {
      name: "asks the machine's name servers by itself",
      ways: {
        "1.1.1.1": () => datagram("1.1.1.1", 53, question),
        "8.8.8.8": () => datagram("8.8.8.8", 53, question),
        getent: () => laterOutputOf("/usr/bin/getent", ["ahostsv4", "example.com"]),
      },
    },
    {
      name: "reaches the internet past the relay",
      ways: {
        perl: async () => /^connected/.exec(await talkByPerl("1.1.1.1", 53))?.[0],
        curl: () =>
          laterOutputOf("/usr/bin/curl", ["--noproxy", "*", "-sS", "-m", "1", "http://1.1.1.1/"]),
      },
    },
    {
      name: "sees the network of the host",
      ways: {
        ip: () => /^\d+: (?!lo:).*/m.exec(outputOf("/usr/sbin/ip", ["-o", "link"]))?.[0],
        "/proc/net/dev": () =>
          /^\s*(?!lo:)\w+:.*/m.exec(
            fs.readFileSync("/proc/net/dev", "utf8").replace(/^.*\|.*$/gm, ""),
          )?.[0],
        "/proc/net/route": () =>
          /^(?!Iface)\w+\s.*/m.exec(fs.readFileSync("/proc/net/route", "utf8"))?.[0],
      },
    },
    ...ofSockets(aims),
  ];
}
