import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { type ClientCase, clientSuite } from "../suite/client-suite.harness.ts";
import { createTestDriver } from "./test-driver.harness.ts";

/** Each asks in its own way; what it raises is told by its class, its code and its text. */
const source = `
import asyncio, http.client, socket, ssl, sys, urllib.error, urllib.request

def by_urllib(host, port, ca):
    return urllib.request.urlopen(f"http://{host}:{port}/", timeout=15).read().decode()

def by_urllib_https(host, port, ca):
    trusting = ssl.create_default_context(cadata=ca)
    return urllib.request.urlopen(f"https://{host}:{port}/", timeout=15, context=trusting).read().decode()

def by_http_client(host, port, ca):
    connection = http.client.HTTPConnection(host, port, timeout=15)
    connection.request("GET", "/")
    return connection.getresponse().read().decode()

ping = b"*1\\r\\n$4\\r\\nPING\\r\\n"

def by_create_connection(host, port, ca):
    with socket.create_connection((host, port), timeout=15) as raw:
        raw.sendall(ping)
        return raw.recv(7).decode()

def by_connect(host, port, ca):
    with socket.socket() as raw:
        raw.connect((host, port))
        raw.sendall(ping)
        return raw.recv(7).decode()

def by_connect_ex(host, port, ca):
    with socket.socket() as raw:
        number = raw.connect_ex((host, port))
        if number:
            raise OSError(number, "connect_ex")
        raw.sendall(ping)
        return raw.recv(7).decode()

def by_ssl(host, port, ca):
    trusting = ssl.create_default_context(cadata=ca)
    with socket.create_connection((host, port), timeout=15) as raw:
        with trusting.wrap_socket(raw, server_hostname=host) as secure:
            secure.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
            return secure.recv(15).decode()

def by_asyncio(host, port, ca):
    async def ask():
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(ping)
        answer = await reader.readexactly(7)
        writer.close()
        return answer.decode()
    return asyncio.run(ask())

def by_asyncio_tls(host, port, ca):
    async def ask():
        trusting = ssl.create_default_context(cadata=ca)
        reader, writer = await asyncio.open_connection(host, port, ssl=trusting)
        writer.write(b"GET / HTTP/1.0\\r\\n\\r\\n")
        answer = await reader.readexactly(15)
        writer.close()
        return answer.decode()
    return asyncio.run(ask())

def by_asyncio_sock_connect(host, port, ca):
    async def ask():
        loop = asyncio.get_running_loop()
        with socket.socket() as raw:
            raw.setblocking(False)
            await loop.sock_connect(raw, (host, port))
            await loop.sock_sendall(raw, ping)
            return (await loop.sock_recv(raw, 7)).decode()
    return asyncio.run(ask())

def by_getaddrinfo(host, port, ca):
    return len(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))

def by_gethostbyname(host, port, ca):
    return socket.gethostbyname(host).split(".")[0]

def by_gethostbyname_ex(host, port, ca):
    name, aliases, addresses = socket.gethostbyname_ex(host)
    return [name, aliases, len(addresses)]

def by_asyncio_getaddrinfo(host, port, ca):
    async def ask():
        return len(await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM))
    return asyncio.run(ask())

def by_gethostbyaddr(host, port, ca):
    return socket.gethostbyaddr("10.1.2.3")

def by_own_loopback(host, port, ca):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(("localhost", listener.getsockname()[1]), timeout=15) as raw:
            accepted, _address = listener.accept()
            accepted.sendall(b"own")
            return raw.recv(3).decode()

def by_closed_loopback(host, port, ca):
    return socket.create_connection(("127.0.0.1", 7000), timeout=15)

def by_closed_loopback_of_asyncio(host, port, ca):
    return asyncio.run(asyncio.open_connection("127.0.0.1", 7000))

def by_sendto(host, port, ca):
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", (host, port))

def by_datagram_connect(host, port, ca):
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("10.1.2.3", port))

def by_asyncio_datagrams(host, port, ca):
    async def ask():
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=("10.1.2.3", port))
    return asyncio.run(ask())

def by_requests(host, port, ca):
    import requests
    answer = requests.get(f"http://{host}:{port}/", timeout=15)
    if answer.status_code == 403:
        raise OSError(answer.reason)
    return answer.text

def by_requests_https(host, port, ca):
    import requests
    with open("/tmp/ca.pem", "w") as file:
        file.write(ca)
    return requests.get(f"https://{host}:{port}/", timeout=15, verify="/tmp/ca.pem").text

def by_httpx(host, port, ca):
    import httpx
    answer = httpx.get(f"http://{host}:{port}/", timeout=15)
    if answer.status_code == 403:
        raise OSError(answer.reason_phrase)
    return answer.text

def by_httpx_async(host, port, ca):
    import httpx
    async def ask():
        async with httpx.AsyncClient(verify=ssl.create_default_context(cadata=ca)) as client:
            return (await client.get(f"https://{host}:{port}/", timeout=15)).text
    return asyncio.run(ask())

def by_aiohttp(host, port, ca):
    import aiohttp
    async def ask():
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://{host}:{port}/") as answer:
                return await answer.text()
    return asyncio.run(ask())

ways = {name[3:]: work for name, work in globals().items() if name.startswith("by_")}

def handler(event):
    try:
        return {"value": ways[event["way"]](event["host"], event["port"], event["ca"])}
    except Exception as error:
        kinds = " ".join(kind.__name__ for kind in type(error).__mro__)
        return {"code": f"{kinds} {getattr(error, 'code', '')}", "message": str(error)}
`;

const reason = String.raw`Egress to .+private\.test(?::7000)?.+ is denied: .+ in egress\.private_allow`;
const lookedUp = new RegExp(`gaierror .*egress_denied: .*${reason}`);
const connected = new RegExp(`PermissionError .*egress_denied: .*${reason}`);
const proxied = new RegExp(`403:? ${reason}`);
/** As of any port that nobody has, in words that name what would open the server's. */
const closed =
  /ConnectionRefusedError .*egress_denied: .*"127\.0\.0\.1:7000" in egress\.private_allow/;
const unsupported = /egress_unsupported: /;

const standard: readonly ClientCase[] = [
  { way: "urllib", server: "http", gives: "open word", denied: proxied },
  { way: "urllib_https", server: "https", gives: "secure word", denied: proxied },
  { way: "http_client", server: "http", gives: "open word", denied: lookedUp },
  { way: "create_connection", server: "redis", gives: "+PONG\r\n", denied: lookedUp },
  { way: "connect", server: "redis", gives: "+PONG\r\n", denied: connected },
  { way: "connect_ex", server: "redis", gives: "+PONG\r\n", denied: /\[Errno 13\] connect_ex/ },
  { way: "ssl", server: "https", gives: "HTTP/1.1 200 OK", denied: lookedUp },
  { way: "asyncio", server: "redis", gives: "+PONG\r\n", denied: lookedUp },
  { way: "asyncio_tls", server: "https", gives: "HTTP/1.1 200 OK", denied: lookedUp },
  { way: "asyncio_sock_connect", server: "redis", gives: "+PONG\r\n", denied: lookedUp },
  { way: "getaddrinfo", server: "none", gives: 1, denied: lookedUp },
  // It stands for the server's loopback, which the sandbox has one of its own of.
  { way: "gethostbyname", server: "none", gives: "127", denied: lookedUp },
  { way: "gethostbyname_ex", server: "none", gives: ["open.test", [], 1], denied: lookedUp },
  { way: "asyncio_getaddrinfo", server: "none", gives: 1, denied: lookedUp },
  { way: "own_loopback", server: "none", gives: "own" },
  { way: "closed_loopback", server: "none", gives: undefined, denied: closed },
  { way: "closed_loopback_of_asyncio", server: "none", gives: undefined, denied: closed },
  { way: "gethostbyaddr", server: "none", gives: undefined, denied: unsupported },
  { way: "sendto", server: "none", gives: undefined, denied: unsupported },
  { way: "datagram_connect", server: "none", gives: undefined, denied: unsupported },
  { way: "asyncio_datagrams", server: "none", gives: undefined, denied: unsupported },
];

const fromPackages: readonly (ClientCase & { readonly package: string })[] = [
  { package: "requests", way: "requests", server: "http", gives: "open word", denied: new RegExp(reason) },
  { package: "requests", way: "requests_https", server: "https", gives: "secure word", denied: proxied },
  { package: "httpx", way: "httpx", server: "http", gives: "open word", denied: new RegExp(reason) },
  { package: "httpx", way: "httpx_async", server: "https", gives: "secure word", denied: new RegExp(reason) },
  // It reads no proxy variables unless it is told to, so it connects by asyncio.
  { package: "aiohttp", way: "aiohttp", server: "http", gives: "open word", denied: new RegExp(reason) },
]; // biome-ignore format: a table

/** Packages of the system's own, as a function would bring them along: Debian's python3-requests and the like. */
const systemPackages = "/usr/lib/python3/dist-packages";
const needs: Readonly<Record<string, readonly string[]>> = {
  requests: ["requests", "urllib3", "idna", "certifi", "chardet", "charset_normalizer", "six.py"],
  httpx: ["httpx", "httpcore", "h11", "anyio", "sniffio", "rfc3986", "certifi", "idna"],
  aiohttp: ["aiohttp", "aiosignal", "async_timeout", "attr", "attrs", "charset_normalizer", "frozenlist", "idna", "multidict", "yarl"],
}; // biome-ignore format: a table

/** The Python files of the packages that are there; their machine code is left behind. */
function packageFiles(names: Iterable<string>): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const name of names) {
    const place = path.join(systemPackages, name);
    if (!existsSync(place)) continue;
    const found = name.endsWith(".py")
      ? [name]
      : readdirSync(place, { recursive: true, encoding: "utf8" }).map((file) => `${name}/${file}`);
    for (const file of found) {
      if (file.endsWith(".py")) files.set(file, readFileSync(path.join(systemPackages, file)));
    }
  }
  return files;
}

const has = (name: string): boolean => existsSync(path.join(systemPackages, name));
const installed = Object.keys(needs).filter(has);

clientSuite("Python", {
  runtime: "python",
  make: (egress) => createTestDriver({ blanksMax: 0, egress }),
  source,
  files: packageFiles(new Set(installed.flatMap((name) => needs[name] ?? []))),
  cases: [...standard, ...fromPackages.filter((each) => installed.includes(each.package))],
  missing: fromPackages
    .filter((each) => !installed.includes(each.package))
    .map((each) => `${each.way} (needs Debian's python3-${each.package})`),
});
