"""What reaches beyond its own network."""

import asyncio
import http.client
import os
import re
import socket
import urllib.error
import urllib.request

from attempt import Refused, canary_in, first_match, output_of

ANSWER_SECONDS = 2
PROXY_PORT = 3128
QUESTION = bytes.fromhex("1234010000010000000000000765786d706c6503636f6d0000010001")
METADATA = "169.254.169.254"


def read_answer(connection, send=b""):
    connection.settimeout(ANSWER_SECONDS)
    if send:
        connection.sendall(send)
    try:
        return connection.recv(4096).decode("latin1")
    except TimeoutError:
        return ""


def talk(host, port, send=b""):
    """By the socket module, whose connections the guest carries to the relay."""
    with socket.create_connection((host, port), ANSWER_SECONDS) as connection:
        return read_answer(connection, send)


def talk_raw(family, address, send=b""):
    """By the class below the one that the guest replaces."""
    import _socket

    own = _socket.socket(family, socket.SOCK_STREAM, 0)
    own.settimeout(ANSWER_SECONDS)
    try:
        own.connect(address)
        if send:
            own.sendall(send)
        try:
            return "connected " + own.recv(4096).decode("latin1")
        except TimeoutError:
            return "connected "
    finally:
        own.close()


def raw_to(host, port, send=b""):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return talk_raw(family, (host, port), send)


def page(url):
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_SECONDS) as response:
            return f"{response.status} {response.read(200).decode('latin1')}"
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read(300).decode('latin1')}"
    except http.client.BadStatusLine as error:
        return str(error)
    except (urllib.error.URLError, OSError) as error:
        raise Refused(str(error)) from error


def real_answer(text):
    """A connection that is closed without a word was the relay's refusal."""
    said = re.sub("^connected ?", "", text)
    denial = re.search(r'"message": ?"(Egress to [^}]*)"', said)
    if denial:
        raise Refused(denial[1])
    return canary_in(said) or (said if re.search(r'"status"|HTTP/1\.1 200|^\d{3} ', said) else None)


def later(work, *arguments):
    """In a thread, so that what waits for answers waits together."""

    async def way():
        try:
            return await asyncio.to_thread(work, *arguments)
        except PermissionError as error:
            raise Refused(str(error)) from error

    return way


def reaching(name, host, port, is_http=False):
    shown = f"[{host}]" if ":" in host else host
    head = f"GET /fn/v1/health HTTP/1.1\r\nHost: {shown}\r\nConnection: close\r\n\r\n".encode() if is_http else b""
    ways = {
        "socket": later(lambda: real_answer(talk(host, port, head))),
        "urllib": later(lambda: real_answer(page(f"http://{shown}:{port}/fn/v1/health"))),
    }
    if re.fullmatch(r"[\d.]+|.*:.*", host):
        ways["_socket"] = later(lambda: real_answer(raw_to(host, port, head)))
    return name, ways


def through_proxy(target):
    def way():
        answer = raw_to("127.0.0.1", PROXY_PORT, f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        if "HTTP/1.1 200" in answer:
            return answer
        raise Refused(answer.split("\r\n")[0])

    return later(way)


def datagram(host, port, send):
    def way():
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as own:
            own.settimeout(ANSWER_SECONDS)
            own.connect((host, port))
            own.send(send)
            return "answered " + own.recv(512).decode("latin1")

    return later(way)


def unix(path):
    return later(lambda: talk_raw(socket.AF_UNIX, path) or "connected")


def abstract(name):
    return {"_socket": later(lambda: canary_in(talk_raw(socket.AF_UNIX, b"\0" + name.encode())))}


def instance_sockets(run_folder):
    for kind in os.listdir(run_folder):
        for number in os.listdir(f"{run_folder}/{kind}/i"):
            return talk_raw(socket.AF_UNIX, f"{run_folder}/{kind}/i/{number}/s")
    raise Refused("none")


def of_sockets(aims):
    neighbour = aims["neighbour"]
    yield "connects to a Unix socket of the host", {"_socket": unix(aims["unixSocket"])}
    yield "connects to an abstract Unix socket of the host", abstract(aims["abstractSocket"])
    yield "connects to the Unix socket of another function", {"_socket": unix(neighbour["unixSocket"])}
    yield "connects to an abstract Unix socket of another function", abstract(neighbour["abstractSocket"])
    yield "connects to the sockets by which the server speaks with instances", {
        "its own again": unix("/run/reactor/s"),
        "others": later(instance_sockets, aims["runFolder"]),
    }
    services = ("dbus/system_bus_socket", "docker.sock", "systemd/notify", "systemd/private")
    paths = [*(f"/run/{name}" for name in services), "/dev/log", "/tmp/.X11-unix/X0"]
    yield "connects to the sockets of the machine's services", {path: unix(path) for path in paths}


def own_network(aims):
    tcp = aims["tcpPort"]
    spellings = ("localhost", "0.0.0.0", "127.1", "2130706433", "0x7f000001", "0177.0.0.1")
    yield reaching("reaches a service on the host's loopback", "127.0.0.1", tcp)
    yield reaching("reaches a service on the host's loopback by IPv6", "::1", tcp)
    yield reaching("reaches a service on the host's loopback as a mapped address", "::ffff:127.0.0.1", tcp)
    yield "reaches a service on the host's loopback by odd spellings", {
        host: later(lambda host=host: real_answer(page(f"http://{host}:{tcp}/"))) for host in spellings
    }
    yield "reaches the host by its own addresses", {
        f"{by} {host}": way for host in aims["addresses"] for by, way in reaching("", host, tcp)[1].items()
    }


def network_escapes(aims):
    tcp, server = aims["tcpPort"], aims["serverPort"]
    yield from own_network(aims)
    yield reaching("reaches the admin API", "127.0.0.1", server, True)
    yield reaching("reaches the admin API by name", "localhost", server, True)
    targets = (f"127.0.0.1:{tcp}", f"[::1]:{tcp}", f"localhost:{server}", f"{METADATA}:80")
    yield "reaches the host through its own proxy", {target: through_proxy(target) for target in targets}
    yield reaching("reaches the cloud's metadata", METADATA, 80, True)
    yield reaching("reaches the cloud's metadata by IPv6", "fd00:ec2::254", 80, True)
    yield reaching("reaches private networks", "10.0.0.1", 80, True)
    yield reaching("reaches another function's service", "127.0.0.1", aims["neighbour"]["tcpPort"])
    yield "sends datagrams to the host", {
        host: datagram(host, aims["udpPort"], b"?") for host in ("127.0.0.1", "::1")
    }
    yield "asks the machine's name servers by itself", {
        "1.1.1.1": datagram("1.1.1.1", 53, QUESTION),
        "8.8.8.8": datagram("8.8.8.8", 53, QUESTION),
        "getent": later(output_of, "/usr/bin/getent", "ahostsv4", "example.com"),
    }
    yield "reaches the internet past the relay", {
        "_socket": later(lambda: first_match("^connected", raw_to("1.1.1.1", 53))),
        "curl": later(output_of, "/usr/bin/curl", "--noproxy", "*", "-sS", "-m", "1", "http://1.1.1.1/"),
    }
    yield "sees the network of the host", {
        "ip": lambda: first_match(r"^\d+: (?!lo:).*", output_of("/usr/sbin/ip", "-o", "link")),
        "/proc/net/dev": lambda: first_match(r"^\s*(?!lo:)\w+:.*", open("/proc/net/dev", encoding="utf8").read()),
        "/proc/net/route": lambda: first_match(r"^(?!Iface)\w+\s.*", open("/proc/net/route", encoding="utf8").read()),
    }
    yield from of_sockets(aims)
