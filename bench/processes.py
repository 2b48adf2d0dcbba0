"""Started programs, and what the kernel says of them."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
PROCESSORS = sorted(os.sched_getaffinity(0))


@contextmanager
def started(command: list[str]):
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def without_quotas(program: Path, folder: Path, port: int, admin: int, rest: str) -> list[str]:
    """What starts the program with the benchmark's mappings, so that nobody runs out of quota."""
    (folder / "config.toml").write_text(f"""
[[server.listener]]
address = "127.0.0.1:{port}"
[admin]
address = "127.0.0.1:{admin}"
[files]
mappings = "{folder}/mappings"
[limit]
windows = []
{rest}
""")
    return [str(program.resolve()), "serve", "--config", str(folder / "config.toml")]


def wait_for(condition, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit("a contender did not start")
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def cpu(pids: list[int]) -> tuple[float, float]:
    """Seconds of user and of system time."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) for one in fields) / TICKS, sum(int(one[12]) for one in fields) / TICKS


def memory(pids: list[int]) -> float:
    """Resident memory, in MiB."""
    lines = "".join(Path(f"/proc/{pid}/status").read_text() for pid in pids)
    return sum(int(kib) for kib in re.findall(r"VmRSS:\s+(\d+)", lines)) / 1024


def descriptors(pid: int) -> int:
    """How many files and sockets it has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
