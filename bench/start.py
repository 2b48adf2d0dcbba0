"""How long the program takes to be ready, how large it is, and what memory it needs: idle, and for each connection."""

import socket
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import workloads
from processes import free_ports, listens, memory, started, wait_for

STARTS = 15
CONNECTIONS = 1000


def measured(program: Path) -> dict:
    """All of it, of what ships, with one worker, before a backend that nobody calls."""
    with tempfile.TemporaryDirectory(prefix="interlingua-start-") as name, ExitStack() as stack:
        folder = Path(name)
        ready = statistics.median(started_in(program, folder) for _ in range(STARTS))
        # A quota would refuse the most of the requests below.
        workloads.write(folder)
        port, admin = free_ports(2)
        process = stack.enter_context(started(command(program, folder, port, admin, mappings=folder / "mappings")))
        wait_for(lambda: listens(port))
        idle = settled(process.pid)
        connections = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(CONNECTIONS)]
        silent = settled(process.pid)
        for connection in connections:
            connection.sendall(request())
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += connection.recv(65536)
        asked = settled(process.pid)
    return {
        "ready_ms": ready,
        "binary_mib": program.stat().st_size / 2**20,
        "idle_mib": idle,
        "silent_connection_kib": (silent - idle) * 1024 / CONNECTIONS,
        "used_connection_kib": (asked - idle) * 1024 / CONNECTIONS,
    }


def table(figures: dict, markdown: bool) -> str:
    rows = [
        ("from start to listening, all mappings proved", f"{figures['ready_ms']:.0f} ms"),
        ("binary", f"{figures['binary_mib']:.1f} MiB"),
        ("resident memory, idle", f"{figures['idle_mib']:.1f} MiB"),
        ("for each connection that said nothing yet", f"{figures['silent_connection_kib']:.1f} KiB"),
        ("for each connection after a request", f"{figures['used_connection_kib']:.1f} KiB"),
    ]
    if markdown:
        return "\n".join(["| what | how much |", "| --- | ---: |", *(f"| {name} | {value} |" for name, value in rows)])
    return "\n".join(f"{name:<48} {value:>12}" for name, value in rows)


def request() -> bytes:
    """One that is refused: no backend is needed to see what a connection keeps."""
    one = next(one for one in workloads.workloads() if one.name == "refused-schema")
    headers = one.headers | {"Host": "localhost", "Content-Length": str(len(one.body))}
    lines = [f"{one.method} {one.target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + one.body


def command(program: Path, folder: Path, port: int, admin: int, mappings: Path | None = None) -> list[str]:
    config = folder / "config.toml"
    files = f'[files]\nmappings = "{mappings}"\n' if mappings else ""
    config.write_text(
        f'[server]\nworkers = 1\n[[server.listener]]\naddress = "127.0.0.1:{port}"\n'
        f'[admin]\naddress = "127.0.0.1:{admin}"\n[telemetry]\nfilter = "warn"\n'
        f'[upstream]\nbase = "http://127.0.0.1:9"\n{files}'
    )
    return [str(program.absolute()), "serve", "--config", str(config)]


def started_in(program: Path, folder: Path) -> float:
    """Milliseconds until it listens, which it does when everything was found good."""
    port, admin = free_ports(2)
    made = command(program, folder, port, admin)
    before = time.monotonic()
    with started(made):
        while not listens(port):
            time.sleep(0.0005)
        return (time.monotonic() - before) * 1000


def settled(pid: int) -> float:
    """Resident memory in MiB, once it no longer changes."""
    before = memory([pid])
    while True:
        time.sleep(0.3)
        now = memory([pid])
        if now == before:
            return now
        before = now
