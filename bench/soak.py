"""Mixed traffic with faults on both sides for a long time; memory and descriptors of the program, sampled."""

import argparse
import collections
import http.client
import itertools
import random
import socket
import struct
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import workloads
from processes import descriptors, free_ports, listens, memory, started, wait_for, without_quotas

SHORT = "CnEqURgZ3swzj528KMLvX5"
UUID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
JSON = {"Content-Type": "application/json"}
KEPT_MAX = 16
"""Idle connections to the backend that may be kept when all clients have left."""
KEY = {"X-API-Key": "csb_DemoOwnerNorthwind00000000000000_eda246cf"}


class Counts:
    """Numbers that many threads add to."""

    def __init__(self):
        self.lock, self.counter = threading.Lock(), collections.Counter()

    def add(self, name: str) -> None:
        with self.lock:
            self.counter[name] += 1

    def items(self) -> list[tuple[str, int]]:
        with self.lock:
            return list(self.counter.items())

    def __getitem__(self, name: str) -> int:
        with self.lock:
            return self.counter[name]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


ONE, TWO = bearer("DemoOwnerNorthwindPlainOne00000000000000"), bearer("DemoOwnerNorthwindPlainTwo00000000000000")
BOOK, PAT = bearer("gb_api_DemoOwnerNorthwind0000000000000000000000"), bearer("pat_DemoOwnerNorthwind00000000000000")


def requests(number: int) -> list[tuple[str, str, dict, str]]:
    """One of each kind, of every dialect: what is read, what is refused, and, seldom, what is added.

    Few people are added, again and again: with more and more of them answers would grow, and memory with the answers.
    """
    mail = f"soak{number // 200 % 5}@example.com"
    asked = [
        ("GET", f"/closient/account/api/v1/organizations/{SHORT}/members?page_size=20", KEY, ""),
        ("POST", f"/closient/account/api/v1/organizations/{SHORT}/members", KEY | JSON, '{"email": "a@b.example", "role": "king"}'),
        ("POST", f"/closient/account/api/v1/organizations/{SHORT}/members", KEY | JSON, '{"role": 1, "role": 2}'),
        ("GET", f"/letpiper/v1/organizations/{UUID}/roles", PAT, ""),
        ("GET", f"/letpiper/v1/organizations/{UUID}/members", PAT, ""),
        ("GET", "/dreadnode/api/v1/org/northwind", ONE, ""),
        ("GET", "/dreadnode/api/v1/org/nowhere", ONE, ""),
        ("GET", f"/gitbook/v1/orgs/{UUID}/members?limit=10", BOOK, ""),
        ("POST", f"/gitbook/v1/orgs/{UUID}/invites", BOOK | JSON, '{"emails": ["ada@example.com", 7], "role": "edit"}'),
        ("GET", f"/apexscore/api/v1/organization-invitations/?organization_id={UUID}", TWO, ""),
        ("POST", "/apexscore/api/v1/organization-invitations/", TWO | JSON, '[{"organization_id": "x"}]'),
        ("GET", "/nowhere/at/all", {}, ""),
    ]
    if number % 200 == 0:
        asked += [
            ("POST", f"/gitbook/v1/orgs/{UUID}/invites", BOOK | JSON, f'{{"emails": ["{mail}"], "role": "read"}}'),
        ]
    return asked


def main() -> int:
    options = arguments()
    counts, stop = Counts(), threading.Event()
    with tempfile.TemporaryDirectory(prefix="interlingua-soak-") as name, ExitStack() as stack:
        folder = Path(name)
        workloads.write(folder)
        # One dialect's quota is spent in the benchmarks; here none is.
        for mapping in (folder / "mappings").glob("*.toml"):
            mapping.write_text(mapping.read_text().replace("1/hour", "100000000/second"))
        port, admin, backend, between = free_ports(4)
        stack.enter_context(started([str(options.program.resolve()), "backend", "--seed", "--listen", f"127.0.0.1:{backend}"]))
        wait_for(lambda: listens(backend))
        threading.Thread(target=relay, args=(between, backend, options.faults / 100, counts), daemon=True).start()
        upstream = f'[upstream]\nbase = "http://127.0.0.1:{between}"'
        process = stack.enter_context(started(without_quotas(options.program, folder, port, admin, upstream)))
        wait_for(lambda: listens(port) and listens(between))
        threads = [
            threading.Thread(target=client, args=(port, seed, options, counts, stop)) for seed in range(options.clients)
        ]
        before = descriptors(process.pid)
        for thread in threads:
            thread.start()
        try:
            samples = watched(process, options.minutes * 60, options.every, counts)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        end = time.monotonic() + 90
        while (quiet := descriptors(process.pid)) > before + KEPT_MAX and time.monotonic() < end:
            time.sleep(0.5)
    return told(samples, counts, options, before, quiet)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--debug", action="store_true", help="a debug build")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--pause", type=float, default=10, help="milliseconds between two requests of a client")
    parser.add_argument("--faults", type=float, default=1, help="of a hundred calls and of a hundred requests, how many break")
    parser.add_argument("--slope", type=float, default=1, help="MiB an hour that memory may grow, judged from 20 minutes on")
    parser.add_argument("--every", type=float, default=10, help="seconds between two samples")
    return parser.parse_args()


def client(port: int, seed: int, options: argparse.Namespace, counts: Counts, stop: threading.Event) -> None:
    """Asks one thing after another, now and then in a way nobody should."""
    chance = random.Random(seed)
    connection = None
    for number in itertools.count(seed, options.clients):
        if stop.wait(options.pause / 1000):
            return
        try:
            if chance.random() * 100 < options.faults:
                counts.add("broken requests")
                misbehave(port, chance)
                continue
            connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=40)
            method, target, headers, body = chance.choice(requests(number))
            connection.request(method, target, body or None, headers)
            answer = connection.getresponse()
            answer.read()
            counts.add(f"{target.split('/')[1]} {answer.status}")
            if answer.getheader("connection") == "close" or chance.random() < 0.05:
                connection.close()
                connection = None
        except (OSError, http.client.HTTPException) as failure:
            counts.add(f"no answer: {type(failure).__name__}")
            connection = None
        except BaseException:
            counts.add("clients that died")
            raise


def misbehave(port: int, chance: random.Random) -> None:
    """Breaks off, resets, says nonsense, or asks for a body it never sends."""
    with socket.create_connection(("127.0.0.1", port), timeout=40) as stream:
        head = f"POST /closient/account/api/v1/organizations/{SHORT}/members HTTP/1.1\r\nHost: test\r\n"
        kind = chance.randrange(5)
        stream.sendall([
            head.encode(),
            (head + "Content-Length: 100\r\nContent-Type: application/json\r\n\r\n{").encode(),
            b"\x16\x03\x01 nonsense\r\n\r\n",
            (head + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").encode(),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0" * 50,
        ][kind])
        if kind in (2, 3):
            stream.recv(4096)
        if chance.random() < 0.5:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def relay(port: int, backend: int, faults: float, counts: Counts) -> None:
    """The backend as the network makes it: passes bytes on, and now and then breaks an answer."""
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    chance = random.Random(0)
    while True:
        near, _ = listener.accept()
        far = socket.create_connection(("127.0.0.1", backend))
        for stream in (near, far):
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=passed, args=(near, far, None, counts), daemon=True).start()
        threading.Thread(target=passed, args=(far, near, (faults, chance), counts), daemon=True).start()


def passed(source: socket.socket, sink: socket.socket, faults, counts: Counts) -> None:
    try:
        while data := source.recv(65536):
            if faults and faults[1].random() < faults[0]:
                counts.add("broken answers")
                kind = faults[1].randrange(4)
                if kind == 0:
                    sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                elif kind == 1:
                    sink.sendall(data[: len(data) // 2])
                elif kind == 2:
                    sink.sendall(b"nonsense\r\n\r\n")
                else:
                    sink.sendall(b"HTTP/1.1 500 Broken\r\nContent-Length: 2\r\n\r\n{}")
                break
            sink.sendall(data)
    except OSError:
        pass
    for stream in (source, sink):
        try:
            stream.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        stream.close()


def watched(process, seconds: float, every: float, counts: Counts) -> list[tuple[float, float, int]]:
    """Minutes, MiB and descriptors."""
    begun, samples = time.monotonic(), []
    print(f"{'min':>6} {'RSS, MiB':>9} {'files':>6} {'answers':>9}")
    while time.monotonic() - begun < seconds:
        time.sleep(every)
        if process.poll() is not None:
            sys.exit(f"the program ended with status {process.returncode}")
        minutes, files = (time.monotonic() - begun) / 60, descriptors(process.pid)
        samples.append((minutes, memory([process.pid]), files))
        answers = sum(count for name, count in counts.items() if name[-3:].isdigit())
        print(f"{minutes:6.1f} {samples[-1][1]:9.1f} {files:6} {answers:9}", flush=True)
    return samples


def told(samples: list[tuple[float, float, int]], counts: Counts, options, before: int, quiet: int) -> int:
    """Prints what came of it; 1 if something leaks, or there are failures nobody has caused."""
    # The first tenth fills caches and pools.
    late = samples[len(samples) // 10 :]
    grows = [slope([(one[0] / 60, one[column]) for one in late]) for column in (1, 2)]
    print(f"memory: {grows[0]:+.2f} MiB an hour; descriptors: {grows[1]:+.2f} an hour, {before} before and {quiet} after all")
    leaks = quiet > before + KEPT_MAX
    # In less time the noise of a few samples is steeper than any leak.
    if options.minutes >= 20:
        leaks |= grows[0] > options.slope
    else:
        print("too short to judge the slope of memory")
    for name, count in sorted(counts.items()):
        print(f"{count:9} {name}")
    failures = sum(count for name, count in counts.items() if name[-3:].isdigit() and name[-3] == "5")
    silent = sum(count for name, count in counts.items() if name.startswith("no answer"))
    print(f"{failures} answers of 5xx and {silent} requests without one, by {counts['broken answers']} broken answers")
    # Each broken answer takes one connection, and what is on it: one call.
    return int(leaks or failures > counts["broken answers"] or silent > 0 or counts["clients that died"] > 0)


def slope(points: list[tuple[float, float]]) -> float:
    """Least squares."""
    count = len(points)
    middle = (sum(x for x, _ in points) / count, sum(y for _, y in points) / count)
    spread = sum((x - middle[0]) ** 2 for x, _ in points)
    return sum((x - middle[0]) * (y - middle[1]) for x, y in points) / spread if spread else 0.0


if __name__ == "__main__":
    sys.exit(main())
