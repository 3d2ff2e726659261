import { afterAll, describe, expect, test } from "bun:test";
import { openFunctionContext } from "./function-context.harness.ts";

// A certificate of its own for origin.test, valid for a hundred years; it protects nothing.
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgE86t63/SCJwwQMyd
7uXz3YzxGu8txmD10idzFlQgrVyhRANCAARDx/EKZ0JjcYBXNPZtcOAaTxv8HqFd
cyrjYgWZiV8qvL2nrztI4ldXqcrDhwt30YSc4L+c0utTuvAAGp3xs6/h
-----END PRIVATE KEY-----`;
const cert = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIURHliIH9WsdIZBpaM8qmsbKszr3owCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLb3JpZ2luLnRlc3QwIBcNMjYxMTIxMDE1MTU3WhgPMjEyNjEw
MjgwMTUxNTdaMBYxFDASBgNVBAMMC29yaWdpbi50ZXN0MFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEQ8fxCmdCY3GAVzT2bXDgGk8b/B6hXXMq42IFmYlfKry9p687
SOJXV6nKw4cLd9GEnOC/nNLrU7rwABqd8bOv4aNrMGkwHQYDVR0OBBYEFKxLzLsX
pDbp7vImP0rFfZ85388gMB8GA1UdIwQYMBaAFKxLzLsXpDbp7vImP0rFfZ85388g
MA8GA1UdEwEB/wQFMAMBAf8wFgYDVR0RBA8wDYILb3JpZ2luLnRlc3QwCgYIKoZI
zj0EAwIDSAAwRQIgNy74qwzvLoJEzJyW/IrdSqV58RNo84xFSlq6vXGpjw4CIQCC
1XiVQpUu9q9WNw018vPv6XuHs6oNUQo+NoPIztnnZg==
-----END CERTIFICATE-----`;

/** TLS by what Python code uses for it, trusting `cert` alone. */
const source = `
import asyncio, http.client, socket, ssl, urllib.request
from urllib.parse import urlsplit

trusting = ssl.create_default_context(cadata="""${cert}""")

def by_urllib(url):
    return urllib.request.urlopen(url, context=trusting, timeout=15).read().decode()

def raw_request(host):
    return f"GET / HTTP/1.0\\r\\nhost: {host}\\r\\n\\r\\n".encode()

def by_socket(url):
    target = urlsplit(url)
    with socket.create_connection((target.hostname, target.port), timeout=15) as raw:
        with trusting.wrap_socket(raw, server_hostname=target.hostname) as secure:
            secure.sendall(raw_request(target.hostname))
            return b"".join(iter(lambda: secure.recv(65536), b"")).decode().rpartition("\\r\\n")[2]

def by_late_connect(url):
    target = urlsplit(url)
    with trusting.wrap_socket(socket.socket(), server_hostname=target.hostname) as secure:
        secure.settimeout(15)
        secure.connect((target.hostname, target.port))
        secure.sendall(raw_request(target.hostname))
        return b"".join(iter(lambda: secure.recv(65536), b"")).decode().rpartition("\\r\\n")[2]

def by_asyncio(url):
    async def fetch():
        target = urlsplit(url)
        reader, writer = await asyncio.open_connection(target.hostname, target.port, ssl=trusting)
        writer.write(raw_request(target.hostname))
        answer = await reader.read()
        writer.close()
        return answer.decode().rpartition("\\r\\n")[2]
    return asyncio.run(fetch())

ways = {name[3:]: work for name, work in globals().items() if name.startswith("by_")}

def handler(event):
    if event["way"] == "trust":
        paths = ssl.get_default_verify_paths()
        context = ssl.create_default_context()
        return [paths.cafile or paths.capath, context.cert_store_stats()["x509_ca"]]
    try:
        return ways[event["way"]](event["url"])
    except Exception as error:
        return f"{type(error).__name__}: {error}"
`;

describe.if(Bun.which("bwrap") !== null)("TLS from the sandbox (needs bubblewrap)", () => {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { key, cert },
    fetch: () => new Response("secure"),
  });
  const context = openFunctionContext({
    egress: {
      privateAllow: ["origin.test", "wrong.test"],
      resolve: () => Promise.resolve(["127.0.0.1"]),
    },
  });
  const started = context.function(source);
  const call = async (way: string, host: string): Promise<unknown> => {
    const body = JSON.stringify({ way, url: `https://${host}:${server.port}/` });
    return (await context.ok(await started, { body })).json();
  };

  afterAll(() => server.stop(true));

  for (const way of ["urllib", "socket", "late_connect", "asyncio"]) {
    test(`${way} speaks to the name in the certificate`, async () => {
      expect(await call(way, "origin.test")).toBe("secure");
    });

    test(`${way} refuses a certificate of another name`, async () => {
      expect(await call(way, "wrong.test")).toMatch(/CERTIFICATE_VERIFY_FAILED|Hostname mismatch/);
    });
  }

  test("the machine's certificates are there to be trusted", async () => {
    const [place, loaded] = (await call("trust", "")) as [string | null, number];
    const isThere = await Bun.file("/etc/ssl/certs/ca-certificates.crt").exists();
    expect(place !== null && loaded > 0).toBe(isThere);
  });
});
