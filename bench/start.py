"""How long the program takes to be ready, how large it is, and what memory it needs: idle, and for each connection."""

import socket
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import workloads
from processes import cpu, free_ports, listens, memory, started, wait_for

STARTS = 15
CONNECTIONS = 1000


def measured(program: Path) -> dict:
    """All of it, of what ships, with one worker, before a backend that nobody calls."""
    with tempfile.TemporaryDirectory(prefix="interlingua-start-") as name, ExitStack() as stack:
        folder = Path(name)
        starts = [started_in(program, folder) for _ in range(STARTS)]
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
        for connection in connections:
            answer = b""
            while b"\r\n\r\n" not in answer:
                piece = connection.recv(65536)
                if not piece:
                    sys.exit("a connection was closed before its request was answered")
                answer += piece
        asked = settled(process.pid)
    return {
        "ready_ms": statistics.median(waited for waited, _ in starts),
        "ready_cpu_ms": statistics.median(worked for _, worked in starts),
        "binary_mib": program.stat().st_size / 2**20,
        "idle_mib": idle,
        "silent_connection_kib": (silent - idle) * 1024 / CONNECTIONS,
        "used_connection_kib": (asked - idle) * 1024 / CONNECTIONS,
    }


def table(figures: dict, markdown: bool) -> str:
    rows = [
        ("from start to listening, with the mappings that are built in", f"{figures['ready_ms']:.0f} ms"),
        ("CPU time of that", f"{figures['ready_cpu_ms']:.0f} ms"),
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
        # Nobody is to be hung up on while the others are asked.
        '[server]\nworkers = 1\nfirst_byte_timeout = "10m"\nidle_timeout = "10m"\n'
        f'[[server.listener]]\naddress = "127.0.0.1:{port}"\n'
        f'[admin]\naddress = "127.0.0.1:{admin}"\n[telemetry]\nfilter = "warn"\n'
        f'[upstream]\nbase = "http://127.0.0.1:9"\n{files}'
    )
    return [str(program.absolute()), "serve", "--config", str(config)]


def started_in(program: Path, folder: Path) -> tuple[float, float]:
    """Milliseconds until it listens, which it does when everything was found good; and what it worked until then."""
    port, admin = free_ports(2)
    made = command(program, folder, port, admin)
    before = time.monotonic()
    with started(made) as process:
        while not listens(port):
            time.sleep(0.0005)
        return (time.monotonic() - before) * 1000, sum(cpu([process.pid])) * 1000


def settled(pid: int) -> float:
    """Resident memory in MiB, once it hardly changes, or after three seconds."""
    before = memory([pid])
    for _ in range(10):
        time.sleep(0.3)
        now = memory([pid])
        if abs(now - before) < 0.02:
            break
        before = now
    return now
