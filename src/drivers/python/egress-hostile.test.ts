import { hostileSuite } from "../suite/hostile-suite.harness.ts";
import { createTestDriver } from "./test-driver.harness.ts";

const source = `
import asyncio, http.client, os, re, socket, urllib.request

def parts_of(url):
    authority = re.match(r"^https?://([^/]*)", url)[1]
    host, port = re.match(r"^(.*):(\\d+)$", re.sub(r"^.*@", "", authority)).groups()
    return host.removeprefix("[").removesuffix("]"), int(port)

def question(host):
    return f"GET / HTTP/1.0\\r\\nHost: {host}\\r\\n\\r\\n".encode("utf-8", "replace")

def read(raw, first):
    raw.settimeout(10)
    raw.sendall(first)
    text = b"".join(iter(lambda: raw.recv(65536), b""))
    if not text:
        raise OSError("closed")
    return text.decode("latin1")

def by_urllib(url):
    opener = urllib.request.build_opener()
    return opener.open(url, timeout=15).read().decode()

def by_http_client(url):
    host, port = parts_of(url)
    connection = http.client.HTTPConnection(host, port, timeout=15)
    connection.request("GET", "/", headers={"Host": "any"})
    return connection.getresponse().read().decode()

def by_socket(url):
    host, port = parts_of(url)
    with socket.create_connection((host, port), timeout=15) as raw:
        return read(raw, question(host))

def by_connect(url):
    host, port = parts_of(url)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as raw:
        raw.settimeout(15)
        raw.connect((host, port))
        return read(raw, question(host))

def by_asyncio(url):
    async def ask():
        host, port = parts_of(url)
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(question(host))
        answer = await reader.read()
        writer.close()
        if not answer:
            raise OSError("closed")
        return answer.decode("latin1")
    return asyncio.run(ask())

def by_proxy(head):
    with socket.create_connection(("127.0.0.1", 3128), timeout=15) as raw:
        return read(raw, head.encode() + b"\\r\\n\\r\\n")

ways = {name[3:]: work for name, work in globals().items() if name.startswith("by_")}

def handler(event):
    if event.get("noProxy"):
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            os.environ.pop(name, None)
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = "*"
    outcomes = []
    for url in event["urls"]:
        try:
            outcomes.append(["read", ways[event["way"]](url)])
        except Exception as error:
            outcomes.append(["threw", f"{type(error).__name__} {getattr(error, 'code', '')} {error}"])
    return outcomes
`;

hostileSuite("Python", {
  runtime: "python",
  make: (egress) => createTestDriver({ blanksMax: 0, egress }),
  source,
  ways: ["urllib", "http_client", "socket", "connect", "asyncio"],
  hasProxy: true,
});
