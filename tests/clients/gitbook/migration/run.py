"""Starts what it takes to move clients from an old API to the canonical side, runs a command before it, and ends it all.

    python3 run.py PROGRAM COMMAND …

Two reference backends, each with a database of its own and the same demonstration data; an interlingua in front of the
first, which makes of it an old API that speaks the dialect; and the proxy that clients call, which knows both sides.
The command finds them in its environment:

    INTERLINGUA_URL          where clients call
    INTERLINGUA_ADMIN        the admin listener of that proxy
    INTERLINGUA_OLD_BACKEND  the backend behind the old API, for planting differences
    INTERLINGUA_OLD_LIMIT    the quota that an answer of the old side tells,
    INTERLINGUA_NEW_LIMIT    and one of the canonical side

So each answer says which side it came from, although both say the same. Ends as the command does, and with 1 if one of
the four did not end as it should.
"""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DIALECT = "gitbook"
MAPPINGS = Path(__file__).parents[4] / "mappings"
# Nobody ever gets there.
LIMITS = {"old": 2_000_000, "new": 1_000_000}
PATIENCE = 60
"""Seconds, longer than anything takes."""


def main() -> int:
    program, command = Path(sys.argv[1]).resolve(), sys.argv[2:]
    if not command:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory(prefix="interlingua-migration-") as folder:
        world = World(program, Path(folder))
        try:
            environment = world.start()
            status = subprocess.run(command, env=os.environ | environment).returncode
        finally:
            ended = world.end()
        if status != 0 or not ended:
            world.show_logs()
        return status or int(not ended)


class World:
    """The four processes."""

    def __init__(self, program: Path, folder: Path):
        self.program, self.folder = program, folder
        self.processes: dict[str, subprocess.Popen] = {}

    def start(self) -> dict[str, str]:
        old_backend, new_backend, old, old_admin, new, new_admin = (f"127.0.0.1:{port}" for port in free_ports(6))
        for side, address in (("old", old_backend), ("new", new_backend)):
            database = str(self.folder / f"{side}.sqlite")
            arguments = ["backend", "--seed", "--listen", address, "--database", database]
            self.run(f"{side}-backend", arguments)
        self.serve("old", old, old_admin, old_backend, "")
        self.serve("new", new, new_admin, new_backend, f'[legacy.{DIALECT}]\nbase = "http://{old}/{DIALECT}"\n')
        for address in (old_backend, new_backend):
            self.wait(lambda: listens(address))
        for address in (old_admin, new_admin):
            self.wait(lambda: is_ready(address))
        return {
            "INTERLINGUA_URL": f"http://{new}/{DIALECT}",
            "INTERLINGUA_ADMIN": f"http://{new_admin}",
            "INTERLINGUA_OLD_BACKEND": f"http://{old_backend}",
            "INTERLINGUA_OLD_LIMIT": str(LIMITS["old"]),
            "INTERLINGUA_NEW_LIMIT": str(LIMITS["new"]),
        }

    def serve(self, side: str, address: str, admin: str, backend: str, rest: str) -> None:
        """A proxy before one of the backends, with the mappings that ship, but for the quota."""
        mappings = self.folder / f"{side}-mappings"
        mappings.mkdir()
        for name in ("canonical", DIALECT):
            text = (MAPPINGS / f"{name}.toml").read_text()
            text = re.sub(r"(?m)^windows *=.*$", f'windows = ["{LIMITS[side]}/minute"]', text)
            (mappings / f"{name}.toml").write_text(text)
        config = self.folder / f"{side}.toml"
        # On a busy machine, a thread that gives way to all others would compare next to nothing.
        config.write_text(
            f'[server]\nshadows_give_way = false\n[[server.listener]]\naddress = "{address}"\n[admin]\naddress = "{admin}"\n[upstream]\nbase = "http://{backend}"\n'
            f'[limit]\nwindows = []\n[telemetry]\nfilter = "warn"\n[files]\nmappings = "{mappings}"\n{rest}'
        )
        self.run(side, ["serve", "--config", str(config)])

    def run(self, name: str, arguments: list[str]) -> None:
        with open(self.folder / f"{name}.log", "wb") as log:
            command = [str(self.program), *arguments]
            self.processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait(self, condition) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            gone = [name for name, process in self.processes.items() if process.poll() is not None]
            if gone or time.monotonic() > end:
                self.show_logs()
                raise SystemExit(f"ended: {', '.join(gone) or 'none'}; not all were ready")
            time.sleep(0.05)

    def end(self) -> bool:
        """Tells all of them to end; whether each did, and said that nothing was wrong."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        statuses = {}
        # Who calls ends before who is called.
        for name, process in reversed(self.processes.items()):
            try:
                statuses[name] = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                statuses[name] = process.wait()
        wrong = {name: status for name, status in statuses.items() if status != 0}
        if wrong:
            print(f"ended with another status than 0: {wrong}")
        return not wrong

    def show_logs(self) -> None:
        for name in self.processes:
            lines = (self.folder / f"{name}.log").read_text(errors="replace").splitlines()
            print(f"-- the log of {name} ends:", *lines[-15:], sep="\n")


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on. All are held until all are known, so they differ."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def listens(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def is_ready(admin: str) -> bool:
    connection = http.client.HTTPConnection(admin, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
