"""CPU time per request of the program and of nginx, in turn, over the same requests to the same backend.

Each contender runs with one worker on one processor; the load generator (wrk) and the backend (nginx with fixed answers)
have the other. The figure is user + system time of the contender's process, from the kernel, divided by the requests it
answered. Wall-clock figures drift with the machine; this one and the ratio to nginx of the same round hardly do.
"""

import argparse
import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

from workloads import Workload, workloads

ROOT = Path(__file__).parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
PROCESSORS = sorted(os.sched_getaffinity(0))
CONTENDERS = ("nginx", "interlingua")


def main() -> None:
    options = arguments()
    chosen = [one for one in workloads() if not options.workload or one.name in options.workload]
    results = []
    with tempfile.TemporaryDirectory(prefix="interlingua-bench-") as folder:
        os.chmod(folder, 0o755)  # nginx reads its answers as nobody
        for workload in chosen:
            with ExitStack() as stack:
                setup = Setup(options.program, workload, Path(folder) / workload.name, stack)
                setup.prove()
                for connections in options.connections:
                    results.append(measured(setup, connections, options))
                    print(row(results[-1]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, required=True, help="the binary to measure")
    parser.add_argument("--quick", action="store_true", help="the reference request at 64 connections only")
    parser.add_argument("--workload", action="append", help="only this one; may be repeated")
    parser.add_argument("--connections", type=int, action="append", help="default: 1, 64 and 1000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each contender in each round")
    parser.add_argument("--json", type=Path, help="write all figures there")
    options = parser.parse_args()
    if options.quick:
        options.workload, options.connections = ["invite"], [64]
    options.connections = options.connections or [1, 64, 1000]
    if len(PROCESSORS) < 2:
        sys.exit("two processors are needed: one for the contender, one for the load")
    print(HEAD)
    return options


class Setup:
    """A backend and both contenders in front of it, started."""

    def __init__(self, program: Path, workload: Workload, folder: Path, stack: ExitStack):
        folder.mkdir()
        self.workload = workload
        self.script = folder / "request.lua"
        self.script.write_text(lua(workload))
        backend, relay, own, admin = free_ports(4)
        self.ports = {"nginx": relay, "interlingua": own}
        stack.enter_context(nginx(folder / "backend", backend_site(workload, backend, folder), PROCESSORS[1]))
        relayed = stack.enter_context(nginx(folder / "relay", relay_site(backend, relay), PROCESSORS[0]))
        started = stack.enter_context(interlingua(program, workload, folder, backend, own, admin))
        self.processes = {"nginx": relayed, "interlingua": started}

    def prove(self) -> None:
        """What is measured is what is meant: the contenders answer with the expected status."""
        workload = self.workload
        for name, port in self.ports.items():
            expected = workload.backend_status if name == "nginx" else workload.status
            for _attempt in range(3):  # a quota is spent after the first
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
                connection.request(workload.method, workload.target, workload.body or None, workload.headers)
                answer = connection.getresponse()
                text = answer.read()
                connection.close()
                if answer.status == expected:
                    break
            else:
                sys.exit(f"{name} answers {workload.name} with {answer.status}, not {expected}: {text[:400]!r}")


def measured(setup: Setup, connections: int, options: argparse.Namespace) -> dict:
    rounds = []
    for number in range(options.rounds):
        # Who goes first changes, so that neither always finds the machine warmer.
        order = CONTENDERS if number % 2 == 0 else CONTENDERS[::-1]
        rounds.append({name: driven(setup, name, connections, options.seconds) for name in order})
    medians = {
        name: {figure: statistics.median(one[name][figure] for one in rounds) for figure in rounds[0][name]}
        for name in CONTENDERS
    }
    ratio = statistics.median(one["interlingua"]["cpu_us"] / one["nginx"]["cpu_us"] for one in rounds)
    return {
        "workload": setup.workload.name,
        "connections": connections,
        "items": setup.workload.items,
        "ratio": ratio,
        "ratios": [one["interlingua"]["cpu_us"] / one["nginx"]["cpu_us"] for one in rounds],
        **medians,
    }


def driven(setup: Setup, name: str, connections: int, seconds: int) -> dict:
    """Drives one contender for a while: what a request cost it, and how long clients waited."""
    pids = setup.processes[name]
    before = cpu(pids)
    command = ["taskset", "-c", str(PROCESSORS[1]), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s"]
    command += ["-s", str(setup.script), f"http://127.0.0.1:{setup.ports[name]}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    user, system = (after - then for after, then in zip(cpu(pids), before, strict=True))
    figures = json.loads(re.search(r"^figures (\{.*\})$", done, re.MULTILINE)[1])
    # A 4xx is what some workloads are about; of what wrk counts as errors only those of sockets are faults.
    if figures["broken"] or not figures["requests"]:
        sys.exit(f"{name}: {figures} while it was driven with {connections} connections")
    requests = figures["requests"]
    return {
        "cpu_us": (user + system) * 1e6 / requests,
        "user_us": user * 1e6 / requests,
        "system_us": system * 1e6 / requests,
        "per_second": requests / figures["seconds"],
        "p50_us": figures["p50"],
        "p99_us": figures["p99"],
        "p999_us": figures["p999"],
        "memory_mib": memory(pids),
    }


def lua(workload: Workload) -> str:
    headers = "\n".join(f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in workload.headers.items())
    # The tail of the script says what the summary of wrk leaves out.
    return f"""
wrk.method = "{workload.method}"
wrk.path = {json.dumps(workload.target)}
wrk.body = {json.dumps(workload.body.decode()) if workload.body else "nil"}
{headers}
local prepared
function init() prepared = wrk.format() end
function request() return prepared end
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('figures {{"requests": %d, "seconds": %f, "broken": %d, "p50": %d, "p99": %d, "p999": %d}}\\n',
    summary.requests, summary.duration / 1e6, errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
"""


@contextmanager
def nginx(folder: Path, site: str, processor: int):
    """An nginx of its own with one worker; gives the worker's pid."""
    folder.mkdir()
    (folder / "nginx.conf").write_text(f"""
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log crit;
daemon off;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  {site}
}}
""")
    command = ["taskset", "-c", str(processor), "nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with started(command) as process:
        wait_for(lambda: children(process.pid))
        yield children(process.pid)


def backend_site(workload: Workload, port: int, folder: Path) -> str:
    """Answers every request the same."""
    if workload.backend_status == 200:
        # A long answer is a file: that is how nginx answers it cheapest.
        (folder / "answer.json").write_bytes(workload.backend_body)
        answer = f"root {folder}; error_page 405 =200 $uri; rewrite ^ /answer.json break;"
        return f"server {{ listen 127.0.0.1:{port}; default_type application/json; location / {{ {answer} }} }}"
    body = workload.backend_body.decode().replace("'", "\\'")
    return (
        f"server {{ listen 127.0.0.1:{port}; default_type application/json;"
        f" location / {{ return {workload.backend_status} '{body}'; }} }}"
    )


def relay_site(backend: int, port: int) -> str:
    return f"""
  upstream backend {{ server 127.0.0.1:{backend}; keepalive 1024; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffers 8 64k;
      proxy_buffer_size 64k;
      proxy_busy_buffers_size 128k;
    }}
  }}"""


@contextmanager
def interlingua(program: Path, workload: Workload, folder: Path, backend: int, port: int, admin: int):
    """The program as shipped but for its quotas, behind which nothing could be measured."""
    mappings = folder / "mappings"
    mappings.mkdir()
    for mapping in (ROOT / "mappings").glob("*.toml"):
        text = re.sub(r"(?m)^windows *=.*$", f'windows = ["{workload.quota}"]', mapping.read_text())
        (mappings / mapping.name).write_text(text)
    (folder / "config.toml").write_text(f"""
[server]
workers = 1
[[server.listener]]
address = "127.0.0.1:{port}"
[admin]
address = "127.0.0.1:{admin}"
[upstream]
base = "http://127.0.0.1:{backend}"
connections_max = 1024
[limit]
windows = ["{workload.quota}"]
[telemetry]
filter = "warn"
[files]
mappings = "{mappings}"
""")
    command = ["taskset", "-c", str(PROCESSORS[0]), str(program.absolute()), "serve", "--config", str(folder / "config.toml")]
    with started(command) as process:
        wait_for(lambda: listens(port))
        yield [process.pid]


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


def wait_for(condition, seconds: float = 10) -> None:
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


HEAD = (
    f"{'workload':<16} {'conn.':>5}  {'nginx us':>9} {'ours us':>9} {'ratio':>6}   {'user':>6} {'system':>6}"
    f"  {'req/s':>8} {'p50 us':>8} {'p99 us':>8} {'p99.9':>8} {'MiB':>6}   {'nginx p99':>9}"
)


def row(result: dict) -> str:
    ours, theirs = result["interlingua"], result["nginx"]
    return (
        f"{result['workload']:<16} {result['connections']:>5}  {theirs['cpu_us']:>9.1f} {ours['cpu_us']:>9.1f}"
        f" {result['ratio']:>6.2f}   {ours['user_us']:>6.1f} {ours['system_us']:>6.1f}  {ours['per_second']:>8.0f}"
        f" {ours['p50_us']:>8.0f} {ours['p99_us']:>8.0f} {ours['p999_us']:>8.0f} {ours['memory_mib']:>6.1f}"
        f"   {theirs['p99_us']:>9.0f}"
    )


if __name__ == "__main__":
    if not shutil.which("taskset"):
        sys.exit("taskset is missing (package util-linux)")
    main()
