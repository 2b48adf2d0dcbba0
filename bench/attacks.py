"""What a client that does nothing wrong notices of attackers, and what they cost the program."""

import argparse
import http.client
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import waits
import workloads
from contenders import nginx
from processes import PROCESSORS, descriptors, free_ports, listens, memory, started, wait_for, without_quotas
from workloads import case, compact

KINDS = ["silent", "slow-head", "slow-body", "slow-read", "resets", "continuations", "settings", "pings"]
ORGANIZATION = "CnEqURgZ3swzj528KMLvX5"
TARGET = f"/closient/account/api/v1/organizations/{ORGANIZATION}/members"
KEY = "csb_DemoOwnerNorthwind00000000000000_eda246cf"
ATTACKED = "/closient/account/api/v1/organizations/jT5Z2in5V8XrN934edewzn/members"
ATTACKERS_KEY = "csb_DemoOwnerExample0000000000000000_cfe1403d"
"""Attackers have a credential of their own, and what it may read."""
ATTACKED_ID = "e8e912b6-ba9b-4c3a-bb4f-d04bdc370843"
"""The backend's id of that organization. It has a hundred members, 60 KiB of them: a short answer that a client does not take the system
takes for it."""
SETTLES = 4
"""Seconds in which what a crowd said first is over."""
ARRIVING_BYTES_MAX = 64 << 20
"""`server.arriving_bytes_max`, as it is by default, of one worker."""
UNTAKEN_BYTES_MAX = 64 << 20
"""`server.untaken_bytes_max`, likewise."""
HTTP2_KIB = 46
"""What a connection of HTTP/2 had when it was attacked."""
STEPPED = 0.9
"""Which part of their steps attackers have to take for it to be an attack."""
TIMES_MAX = 2.0
"""The 99th percentile under attack, in those of when it was quiet, all rounds together."""


def main() -> int:
    options = arguments()
    # Attackers and program both need a descriptor for each connection; what is started has the same bound.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < options.count + 1000:
        sys.exit(f"{hard} descriptors are too few for {options.count} connections")
    failed = False
    with tempfile.TemporaryDirectory(prefix="interlingua-attacks-") as name, ExitStack() as stack:
        folder = Path(name)
        workloads.write(folder)
        os.chmod(folder, 0o755)  # nginx reads its answers as nobody
        backend, port, admin = free_ports(3)
        stack.enter_context(nginx(folder / "backend", site(backend, folder), PROCESSORS[1]))
        upstream = f'[upstream]\nbase = "http://127.0.0.1:{backend}"'
        process = stack.enter_context(started(without_quotas(options.built / "interlingua", folder, port, admin, upstream)))
        wait_for(lambda: listens(port) and listens(admin))
        prove(port)
        write_case(folder)
        load(options, folder, port, 2)
        idle, quiet_files = memory([process.pid]), descriptors(process.pid)
        print(HEAD)
        for kind in options.kinds or KINDS:
            figures = measured(options, folder, port, admin, process.pid, kind)
            bound = idle + most(kind, options.count)
            after = settled(process.pid, quiet_files)
            failed |= figures.peak > bound or figures.times > TIMES_MAX or figures.lost > 0 or after > quiet_files
            if kind == "slow-read" and not figures.untaken:
                sys.exit("nobody had to wait for those who read next to nothing: this says nothing of them")
            each = (figures.peak - idle) * 1024 / options.count
            print(
                f"{kind:14} {figures.quiet:9} {figures.attacked:9} {figures.times:6.2f} {'{:.2f} to {:.2f}'.format(*figures.between):>13}"
                f" {figures.lost:5} {figures.peak:9.1f} {each:9.1f} {bound:8.0f} {figures.files:6} {after:6}"
                f" {figures.untaken >> 10:8}  {figures.came} came, {figures.shut_out} were shut out",
                flush=True,
            )
            prove(port)
    return int(failed)


HEAD = (
    f"{'':14} {'quiet p99':>9} {'p99, us':>9} {'times':>6} {'nine of ten':>13} {'lost':>5} {'RSS, MiB':>9} {'KiB each':>9} {'at most':>8}"
    f" {'files':>6} {'after':>6} {'KiB left':>8}  attackers"
)


@dataclass
class Figures:
    """What became of one kind in all rounds."""

    rounds: list[tuple[list[int], list[int]]] = field(default_factory=list)
    lost: int = 0
    peak: float = 0
    """MiB."""
    files: int = 0
    untaken: int = 0
    """Bytes of answers that clients had not taken, at most."""
    came: int = 0
    shut_out: int = 0

    @property
    def quiet(self) -> int:
        return waits.percentile([quiet for quiet, _ in self.rounds], 0.99)

    @property
    def attacked(self) -> int:
        return waits.percentile([attacked for _, attacked in self.rounds], 0.99)

    @property
    def times(self) -> float:
        return waits.ratio(self.rounds)

    @property
    def between(self) -> tuple[float, float]:
        return waits.between(self.rounds)


def measured(options, folder: Path, port: int, admin: int, pid: int, kind: str) -> Figures:
    """In each round it is quiet, and then it is not."""
    figures = Figures()
    for _ in range(options.rounds):
        quiet_files = descriptors(pid)
        quiet = load(options, folder, port, options.seconds)
        attacked, (peak, files, untaken), told = under_attack(options, folder, port, admin, pid, kind)
        settled(pid, quiet_files)
        figures.rounds.append((quiet["waits"], attacked["waits"]))
        figures.lost += quiet["other_status"] + attacked["other_status"]
        figures.peak, figures.files = max(figures.peak, peak), max(figures.files, files)
        figures.untaken = max(figures.untaken, untaken)
        figures.came += told["opened"]
        figures.shut_out += told["shut_out"]
    return figures


def most(kind: str, count: int) -> float:
    """MiB that attackers may cost, by the formula under "Memory" in docs/operations.md: each connection as measured there, twice for
    what is in the meantime; and the bytes of requests that are on their way and of answers that are not taken."""
    if kind in ("resets", "continuations", "settings", "pings"):
        return count * 2 * HTTP2_KIB / 1024
    bytes_max = {"slow-body": ARRIVING_BYTES_MAX, "slow-read": UNTAKEN_BYTES_MAX}.get(kind, 0)
    return count * (24 + 64) / 1024 + 2 * bytes_max / (1 << 20)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", choices=[[], *KINDS], metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--built", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--debug", action="store_true", help="a debug build")
    parser.add_argument("--count", type=int, default=2000, help="connections of attackers")
    parser.add_argument("--seconds", type=float, default=10, help="how long each takes, and it is quiet before it")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=200, help="requests a second of the client that does nothing wrong")
    parser.add_argument("--pace", type=int, default=250, help="milliseconds between two steps of an attacker")
    return parser.parse_args()


def prove(port: int) -> None:
    """Whether the request that is asked all the time is answered as it should be."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", TARGET, headers={"X-API-Key": KEY})
    if (status := connection.getresponse().status) != 200:
        sys.exit(f"an innocent request was answered {status}")
    connection.close()


def site(port: int, folder: Path) -> str:
    """A backend that costs next to nothing, so that attackers cannot keep it from the others: a long list, and a short one elsewhere."""
    short = case("closient/list_members/first-page")["calls"][0]["answer"]["body"]
    (folder / "short.json").write_bytes(compact(short))
    (folder / "long.json").write_bytes(compact({"items": short["items"][:1] * 100, "total": 100}))
    lists = "".join(
        f" location {where} {{ root {folder}; rewrite ^ /{name}.json break; }}"
        for where, name in (("/", "short"), (f"/v1/organizations/{ATTACKED_ID}/", "long"))
    )
    return f"server {{ listen 127.0.0.1:{port}; default_type application/json;{lists} }}"


def untaken(admin: int) -> int:
    """Bytes of answers that clients have not taken."""
    with urllib.request.urlopen(f"http://127.0.0.1:{admin}/metrics", timeout=30) as metrics:
        return int(re.search(r"^gateway_untaken_bytes (\d+)$", metrics.read().decode(), re.MULTILINE)[1])


def write_case(folder: Path) -> None:
    case = {"name": "innocent", "method": "GET", "target": TARGET, "headers": {"X-API-Key": KEY}, "body": "", "status": 200}
    (folder / "innocent.json").write_text(json.dumps([case]))


def load(options, folder: Path, port: int, seconds: float) -> dict:
    words = [options.built / "load", f"127.0.0.1:{port}", folder / "innocent.json", "innocent", options.rate, seconds, 8, "waits"]
    output = subprocess.run([str(word) for word in words], check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output.split("figures ", 1)[1])


def under_attack(options, folder: Path, port: int, admin: int, pid: int, kind: str):
    """Figures of the innocent client, the most memory, descriptors and untaken bytes the program had, and what became of the attackers."""
    # They would be other machines: what they work must not keep the client waiting, only what the program does about it.
    length = options.seconds + SETTLES + 2
    words = ["chrt", "--idle", "0", options.built / "attack", f"127.0.0.1:{port}", kind, options.count, length, options.pace]
    words += [ATTACKED if kind == "slow-read" else TARGET, f"x-api-key: {ATTACKERS_KEY}\ncontent-type: application/json"]
    samples, over = [], threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            samples.append((memory([pid]), descriptors(pid), untaken(admin)))

    watching = threading.Thread(target=watch)
    with subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True) as attack:
        try:
            if not attack.stdout.readline():
                sys.exit(f"{kind}: the attackers ended before they began")
            watching.start()
            time.sleep(SETTLES)
            figures = load(options, folder, port, options.seconds)
            told, _ = attack.communicate(timeout=60)
        finally:
            over.set()
            attack.kill()
    watching.join()
    most_seen = tuple(max(column) for column in zip(*samples))
    told = json.loads(told.split("figures ", 1)[1])
    if told["steps"] < (due := length * 1000 / options.pace) * STEPPED:
        sys.exit(f"{kind}: attackers took {told['steps']} steps of {due:.0f}, as the others left them no processor: no attack")
    return figures, most_seen, told


def settled(pid: int, wanted: int) -> int:
    """How many descriptors are left when all have gone, after a while at most."""
    end = time.monotonic() + 30
    while descriptors(pid) > wanted and time.monotonic() < end:
        time.sleep(0.1)
    return descriptors(pid)


if __name__ == "__main__":
    sys.exit(main())
