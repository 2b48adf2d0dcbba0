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
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import start
from contenders import backend_site, interlingua, nginx, relay_site
from processes import PROCESSORS, cpu, free_ports, memory
from workloads import Workload, told, workloads

CONTENDERS = ("nginx", "interlingua")
PART = 0.7
"""Of the program's own peak: the rate at which waiting is compared, and CPU time once more."""


def main() -> None:
    options = arguments()
    if options.start:
        figures = start.measured(options.program)
        print(start.table(figures, options.markdown))
        if options.json:
            options.json.write_text(json.dumps(figures, indent=2) + "\n")
        return
    if not options.markdown:
        print(HEAD)
    chosen = [one for one in workloads() if not options.workload or one.name in options.workload]
    results = []
    with tempfile.TemporaryDirectory(prefix="interlingua-bench-") as folder:
        os.chmod(folder, 0o755)  # nginx reads its answers as nobody
        for workload in chosen:
            with ExitStack() as stack:
                setup = Setup(options, workload, Path(folder) / workload.name, stack)
                setup.prove()
                for connections in options.connections:
                    results.append(measured(setup, connections, options))
                    if not options.markdown:
                        print(row(results[-1]), flush=True)
    if options.markdown:
        print(markdown(results))
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
    parser.add_argument("--paced", type=int, default=64, help="connections at which waiting is compared too; 0: none")
    parser.add_argument("--config", type=Path, help="settings to measure instead of the defaults, but for addresses")
    parser.add_argument("--start", action="store_true", help="start, size and memory instead")
    parser.add_argument("--json", type=Path, help="write all figures there")
    parser.add_argument("--markdown", action="store_true", help="print tables as docs/performance.md has them")
    parser.add_argument("--load", type=Path, required=True, help="the built `load`, which keeps a rate")
    options = parser.parse_args()
    if options.quick:
        options.workload, options.connections = ["invite"], [64]
    options.connections = options.connections or [1, 64, 1000]
    if len(PROCESSORS) < 2:
        sys.exit("two processors are needed: one for the contender, one for the load")
    return options


class Setup:
    """A backend and both contenders in front of it, started."""

    def __init__(self, options: argparse.Namespace, workload: Workload, folder: Path, stack: ExitStack):
        folder.mkdir()
        self.case = folder / "case.json"
        self.case.write_text(json.dumps([told(workload)]))
        self.workload = workload
        self.script = folder / "request.lua"
        self.script.write_text(lua(workload))
        backend, relay, own, admin = free_ports(4)
        self.ports = {"nginx": relay, "interlingua": own}
        stack.enter_context(nginx(folder / "backend", backend_site(workload, backend, folder), PROCESSORS[1]))
        relayed = stack.enter_context(nginx(folder / "relay", relay_site(backend, relay), PROCESSORS[0]))
        started = stack.enter_context(interlingua(options, workload, folder, backend, own, admin))
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
    paced = None
    if connections == options.paced and setup.workload.items == 1:
        paced = at_rate(setup, connections, PART * medians["interlingua"]["per_second"], options)
    return {
        "workload": setup.workload.name,
        "connections": connections,
        "items": setup.workload.items,
        "ratio": ratio,
        "ratios": [one["interlingua"]["cpu_us"] / one["nginx"]["cpu_us"] for one in rounds],
        "paced": paced,
        **medians,
    }


def at_rate(setup: Setup, connections: int, rate: float, options: argparse.Namespace) -> dict:
    """How long answers take, and what they cost, when so many requests a second come, whoever is asked and however it fares."""
    rounds = []
    for number in range(options.rounds):
        order = CONTENDERS if number % 2 == 0 else CONTENDERS[::-1]
        rounds.append({name: paced(setup, name, connections, rate, options) for name in order})
    medians = {
        name: {figure: statistics.median(one[name][figure] for one in rounds) for figure in ("p50", "p99", "p999", "cpu_us")}
        for name in CONTENDERS
    }
    ratios = {
        f"{figure}_ratio": statistics.median(one["interlingua"][figure] / one["nginx"][figure] for one in rounds)
        for figure in ("p99", "cpu_us")
    }
    return {"rate": rate, **ratios, **medians}


def paced(setup: Setup, name: str, connections: int, rate: float, options: argparse.Namespace, *more: str) -> dict:
    workload = setup.workload.name
    command = ["taskset", "-c", str(PROCESSORS[1]), str(options.load.absolute()), f"127.0.0.1:{setup.ports[name]}"]
    command += [str(setup.case), workload, f"{rate:.0f}", str(options.seconds), str(connections), *more]
    before = sum(cpu(setup.processes[name]))
    done = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    spent = sum(cpu(setup.processes[name])) - before
    figures = json.loads(re.search(r"^figures (\{.*\})$", done, re.MULTILINE)[1])
    return figures | {"cpu_us": spent * 1e6 / figures["requests"]}


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


def markdown(results: list[dict]) -> str:
    """The tables of docs/performance.md."""
    lines = ["| workload | connections | nginx us | ours us | of that user | ratio | p50 us | p99 us | p99.9 us | MiB |"]
    lines.append("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for one in results:
        ours = one["interlingua"]
        lines.append(
            f"| {one['workload']} | {one['connections']} | {one['nginx']['cpu_us']:.1f} | {ours['cpu_us']:.1f} | {ours['user_us']:.1f}"
            f" | {one['ratio']:.2f} | {ours['p50_us']:.0f} | {ours['p99_us']:.0f} | {ours['p999_us']:.0f} | {ours['memory_mib']:.1f} |"
        )
    paced_ones = [one for one in results if one["paced"]]
    if paced_ones:
        lines += ["", "| workload | requests per second | nginx us | ours us | ratio | nginx p99 us | ours p99 us | ratio |"]
        lines.append("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for one in paced_ones:
        at = one["paced"]
        lines.append(
            f"| {one['workload']} | {at['rate']:.0f} | {at['nginx']['cpu_us']:.1f} | {at['interlingua']['cpu_us']:.1f}"
            f" | {at['cpu_us_ratio']:.2f} | {at['nginx']['p99']:.0f} | {at['interlingua']['p99']:.0f} | {at['p99_ratio']:.2f} |"
        )
    return "\n".join(lines)


HEAD = (
    f"{'workload':<16} {'conn.':>5}  {'nginx us':>9} {'ours us':>9} {'ratio':>6}   {'user':>6} {'system':>6}"
    f"  {'req/s':>8} {'p50 us':>8} {'p99 us':>8} {'p99.9':>8} {'MiB':>6}   {'nginx p99':>9}"
)


def row(result: dict) -> str:
    ours, theirs, at = result["interlingua"], result["nginx"], result["paced"]
    waiting = ""
    if at:
        p99, cost = ([at[name][figure] for name in CONTENDERS] for figure in ("p99", "cpu_us"))
        waiting = (
            f"\n{'':<16} at {at['rate']:.0f} a second: {cost[1]:.1f} us, of nginx {cost[0]:.1f}, ratio {at['cpu_us_ratio']:.2f};"
            f" p99 {p99[1]:.0f} us, of nginx {p99[0]:.0f}, ratio {at['p99_ratio']:.2f}"
        )
    return (
        f"{result['workload']:<16} {result['connections']:>5}  {theirs['cpu_us']:>9.1f} {ours['cpu_us']:>9.1f}"
        f" {result['ratio']:>6.2f}   {ours['user_us']:>6.1f} {ours['system_us']:>6.1f}  {ours['per_second']:>8.0f}"
        f" {ours['p50_us']:>8.0f} {ours['p99_us']:>8.0f} {ours['p999_us']:>8.0f} {ours['memory_mib']:>6.1f}"
        f"   {theirs['p99_us']:>9.0f}{waiting}"
    )


if __name__ == "__main__":
    if not shutil.which("taskset"):
        sys.exit("taskset is missing (package util-linux)")
    main()
