"""What `docs/operations.md` says of memory: per connection of each kind, request in flight, worker and dialect.

    python3 bench/memory.py target/release/interlingua

Resident memory before and after, divided by how many there are. An un-optimized build has larger frames and says more.
"""

import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import workloads
from processes import free_ports, listens, started, wait_for
from start import request, settled

CONNECTIONS = 1000
IN_FLIGHT = 100
BODY = 1000 * 1024
# Preface, empty SETTINGS and its acknowledgement (RFC 9113, sections 3.4 and 6.5).
HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]) + bytes([0, 0, 0, 4, 1, 0, 0, 0, 0])


class Program:
    """One that runs with these settings."""

    def __init__(self, stack: ExitStack, program: Path, folder: Path, server: str, listener: str, mappings: Path):
        self.port, admin = free_ports(2)
        config = folder / f"config-{self.port}.toml"
        config.write_text(
            f'[server]\nfirst_byte_timeout = "10m"\nidle_timeout = "10m"\n{server}\n[[server.listener]]\n'
            f'address = "127.0.0.1:{self.port}"\n{listener}\n[admin]\naddress = "127.0.0.1:{admin}"\n'
            f'[telemetry]\nfilter = "warn"\n[upstream]\nbase = "http://127.0.0.1:9"\n'
            f'[body]\nread_timeout = "10m"\n[files]\nmappings = "{mappings}"\n'
        )
        made = [str(program.absolute()), "serve", "--config", str(config)]
        self.pid = stack.enter_context(started(made)).pid
        wait_for(lambda: listens(self.port))

    def settled(self) -> float:
        return settled(self.pid)

    def connect(self, context: ssl.SSLContext | None = None) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port))
        return context.wrap_socket(connection, server_hostname="localhost") if context else connection


def answered(connection: socket.socket) -> None:
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = connection.recv(65536)
        if not piece:
            sys.exit("a connection was closed before its request was answered")
        answer += piece


def per_connection(program: Program, context: ssl.SSLContext | None, hello: bytes | None) -> tuple[float, float]:
    """KiB of a connection that said nothing beyond its handshake, and of one that had an answer."""
    before = program.settled()
    connections = [program.connect(context) for _ in range(CONNECTIONS)]
    silent = program.settled()
    for connection in connections:
        connection.sendall(hello or request())
    for connection in connections:
        connection.recv(9) if hello else answered(connection)
    used = program.settled()
    for connection in connections:
        connection.close()
    return (silent - before) * 1024 / CONNECTIONS, (used - before) * 1024 / CONNECTIONS


def per_request(program: Program) -> float:
    """KiB of a request of which nearly a whole body of 1,000 KiB has come."""
    head, _ = request().split(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    head = b"\r\n".join([*lines, b"Content-Length: %d" % BODY, b"", b""])
    before = program.settled()
    connections = [program.connect() for _ in range(IN_FLIGHT)]
    for connection in connections:
        connection.sendall(head + b'{"a":"' + b"x" * (BODY - 7))
    after = program.settled()
    for connection in connections:
        connection.close()
    return (after - before) * 1024 / IN_FLIGHT


def certificate(folder: Path) -> str:
    names = [str(folder / "key.pem"), str(folder / "certificate.pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", names[0], "-out", names[1]],
        check=True, capture_output=True,
    )
    return f'tls = {{ key = "{names[0]}", certificate = "{names[1]}" }}'


def alone(mappings: Path, folder: Path, names: list[str]) -> Path:
    """A folder with the canonical API and these dialects."""
    folder.mkdir()
    for name in ["canonical", *names]:
        shutil.copy(mappings / f"{name}.toml", folder)
    return folder


def main() -> None:
    program = Path(sys.argv[1])
    rows = []
    with tempfile.TemporaryDirectory(prefix="interlingua-memory-") as name, ExitStack() as stack:
        folder = Path(name)
        workloads.write(folder)
        mappings = folder / "mappings"
        tls = certificate(folder)
        context = ssl.create_default_context(cafile=str(folder / "certificate.pem"))
        start = lambda server, listener="", files=mappings: Program(stack, program, folder, server, listener, files)
        one, eight = start("workers = 1"), start("workers = 9")
        idle = one.settled()
        rows.append(("started, one worker, all dialects", idle * 1024))
        rows.append(("each further worker", (eight.settled() - idle) * 1024 / 8))
        few = alone(mappings, folder / "one", ["gitbook"])
        more = alone(mappings, folder / "more", ["gitbook", "closient", "letpiper", "dreadnode", "apexscore"])
        least, most = start("workers = 1", files=few).settled(), start("workers = 1", files=more).settled()
        rows.append(("each further dialect", (most - least) * 1024 / 4))
        silent, used = per_connection(one, None, None)
        rows += [("HTTP/1.1, nothing said", silent), ("HTTP/1.1, after an answer", used)]
        silent, used = per_connection(start("workers = 1"), None, HTTP2)
        rows.append(("HTTP/2, opened", used))
        silent, used = per_connection(start("workers = 1", tls), context, None)
        rows += [("TLS, nothing said", silent), ("TLS, after an answer", used)]
        rows.append(("request with 1,000 KiB of body", per_request(start("workers = 1"))))
    for what, kib in rows:
        print(f"{what:<40} {kib:>10.1f} KiB")


if __name__ == "__main__":
    main()
