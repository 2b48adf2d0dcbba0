"""How long clients wait while the other side is asked besides, and while it is not, in turn, at the same rate in the same run.

The mode is changed on the admin listener: `legacy` and `shadow`, where the old upstream answers, or, with `--answers canonical`,
`canonical` and `shadow`. The program has one processor for its one worker and the thread that compares, which has to give way to
the worker; the load and the side that answers have the other. The side that is asked besides has what they leave of that
(`chrt --idle`): it would be another machine, and what it works would not keep the client waiting. The old upstream is an nginx
that answers what the program itself made of the backend's answer, so both sides say the same.

The answers of all rounds of a mode are put together, and the figure is the ratio of the two 99th percentiles. How far it is by chance
is told by drawing as many rounds from those that were, a thousand times: nine ratios of ten lie in the interval beside it.

Rates are parts of what the program answers at most without a shadow. At a high rate no processor is left for all of what is done
besides, and the table says which part was compared.
"""

import argparse
import dataclasses
import http.client
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from contenders import backend_site, interlingua, nginx
from measure import driven, lua, paced
from processes import PROCESSORS, free_ports
from waits import between, percentile, ratio
from workloads import Workload, case, told, workload, workloads

AIM = 1.05
"""What the p99 with a shadow may be of the one without."""
PARTS = (0.05, 0.1, 0.2, 0.4)
MODES = ("off", "on")
FIGURES = (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))
NAME = "interlingua"
COMPARED = ("same", "different", "unsteady", "noise")


def main() -> None:
    options = arguments()
    results = []
    with tempfile.TemporaryDirectory(prefix="interlingua-bench-") as folder:
        os.chmod(folder, 0o755)  # nginx reads its answers as nobody
        for one in reads():
            if options.workload and one.name not in options.workload:
                continue
            with ExitStack() as stack:
                setup = Setup(options, one, Path(folder) / one.name, stack)
                peak = setup.peak()
                rates = options.rate or [part * peak for part in options.part or PARTS]
                results += [compared(setup, rate, peak) for rate in rates]
                print(f"measured {one.name}, at most {peak:.0f} a second", file=sys.stderr)
    print(markdown(results))
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, required=True, help="the binary to measure")
    parser.add_argument("--load", type=Path, required=True, help="the built `load`, which keeps a rate")
    parser.add_argument("--workload", action="append", help="only this one; may be repeated")
    parser.add_argument("--answers", choices=("legacy", "canonical"), default="legacy", help="the side that answers clients")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--part", type=float, action="append", help=f"of the peak; may be repeated; default: {PARTS}")
    parser.add_argument("--rate", type=float, action="append", help="requests a second instead; may be repeated")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=5, help="of each mode in each round")
    parser.add_argument("--json", type=Path, help="write all figures there")
    parser.add_argument("--debug", action="store_true", help="for the script that starts this: a debug build")
    parser.set_defaults(config=None)
    options = parser.parse_args()
    if len(PROCESSORS) < 2:
        sys.exit("two processors are needed: one for the program, one for the load")
    return options


def reads() -> list[Workload]:
    """What only reads: nothing else is asked of both sides."""
    one = workload("organization", "one record", "gitbook", case("gitbook/getOrganizationById/organization"))
    return [one, *(one for one in workloads() if one.method == "GET")]


class Setup:
    """Both sides and the program in front of them, started. It has what `measure` asks of one."""

    def __init__(self, options: argparse.Namespace, one: Workload, folder: Path, stack: ExitStack):
        folder.mkdir()
        self.options, self.workload = options, one
        self.dialect = one.target.split("/")[1]
        self.case = folder / "case.json"
        self.case.write_text(json.dumps([told(one)]))
        self.script = folder / "request.lua"
        self.script.write_text(lua(one))
        backend, old, own, self.admin = free_ports(4)
        self.ports = {NAME: own}
        besides = {side: side != options.answers for side in ("legacy", "canonical")}
        stack.enter_context(nginx(folder / "backend", backend_site(one, backend, folder), PROCESSORS[1], besides["canonical"]))
        config = folder / "legacy.toml"
        config.write_text(f'[legacy.{self.dialect}]\nbase = "http://127.0.0.1:{old}"\n')
        given = argparse.Namespace(**vars(options) | {"config": config})
        self.processes = {NAME: stack.enter_context(interlingua(given, one, folder, backend, own, self.admin))}
        answers = folder / "old-answers"
        answers.mkdir()
        same = dataclasses.replace(one, backend_status=one.status, backend_body=self.answer())
        stack.enter_context(nginx(folder / "old", backend_site(same, old, answers), PROCESSORS[1], besides["legacy"]))
        for mode in MODES:
            self.turn(mode)
            if self.answer() != same.backend_body:
                sys.exit(f"{one.name} is answered otherwise with the shadow {mode}")

    def answer(self) -> bytes:
        """What a client is told."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[NAME], timeout=10)
        connection.request(self.workload.method, self.workload.target, headers=self.workload.headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != self.workload.status:
            sys.exit(f"{self.workload.name} is answered with {answer.status}: {body[:400]!r}")
        return body

    def turn(self, mode: str) -> None:
        """Turns the shadow on or off, once nothing of what was asked before is under way."""
        self.settle()
        answers = self.options.answers
        said = {"mode": "shadow", "answers": answers} if mode == "on" else {"mode": answers}
        headers = {"content-type": "application/json"}
        status, text = self.ask("PUT", f"/modes/{self.dialect}", json.dumps(said), headers)
        if status != 200:
            sys.exit(f"{said} is refused with {status}: {text}")

    def settle(self) -> None:
        """Waits until every request that was to be compared has been, or was given up."""
        end = time.monotonic() + 30
        while sum(self.outcomes().values()) < self.counted("gateway_mode_requests_total", "mode").get("shadow", 0):
            if time.monotonic() > end:
                sys.exit("comparisons do not end")
            time.sleep(0.1)

    def outcomes(self) -> dict[str, int]:
        """How comparisons ended so far."""
        return self.counted("gateway_shadow_requests_total", "outcome")

    def counted(self, name: str, label: str) -> dict[str, int]:
        """What the program has counted under that name, by the values of one label."""
        counts: dict[str, int] = {}
        for line in self.ask("GET", "/metrics")[1].splitlines():
            if line.startswith(name + "{"):
                value = line.split(f'{label}="')[1].split('"')[0]
                counts[value] = counts.get(value, 0) + int(line.rsplit(" ", 1)[1])
        return counts

    def ask(self, method: str, path: str, body: str | None = None, headers: dict | None = None) -> tuple[int, str]:
        """Asks the admin listener."""
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=30)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def peak(self) -> float:
        """Requests a second, at most, without a shadow."""
        self.turn("off")
        options = self.options
        rounds = [driven(self, NAME, options.connections, options.seconds) for _ in range(3)]
        return statistics.median(one["per_second"] for one in rounds)


def compared(setup: Setup, rate: float, peak: float) -> dict:
    """Waiting in both modes at one rate, over all rounds."""
    options, rounds = setup.options, []
    before = setup.outcomes()
    for number in range(options.rounds):
        figures = {}
        # Which is first changes, so that neither always finds the machine warmer.
        for mode in MODES if number % 2 == 0 else MODES[::-1]:
            setup.turn(mode)
            figures[mode] = paced(setup, NAME, options.connections, rate, options, "waits")
            if figures[mode]["other_status"]:
                sys.exit(f"{figures[mode]['other_status']} answers of another status with the shadow {mode}")
        rounds.append(figures)
    setup.settle()
    ended = {outcome: count - before.get(outcome, 0) for outcome, count in setup.outcomes().items()}
    waits = [tuple(figures[mode]["waits"] for mode in MODES) for figures in rounds]
    together = {
        mode: {figure: percentile(waits_of, part) for figure, part in FIGURES}
        for mode, waits_of in zip(MODES, zip(*waits))
    }
    return {
        "workload": setup.workload.name,
        "answers": options.answers,
        "connections": options.connections,
        "rate": rate,
        "part": rate / peak,
        **together,
        "p99_ratio": ratio(waits),
        "p99_ratio_between": between(waits),
        "compared": sum(ended.get(outcome, 0) for outcome in COMPARED) / max(sum(ended.values()), 1),
        "outcomes": ended,
    }


def markdown(results: list[dict]) -> str:
    """The table of docs/performance.md."""
    lines = [
        f"| workload | requests per second | of the peak | compared | p50 off, on, us | p99 off, on, us | p99.9 off, on, us | p99 ratio, aim {AIM} | nine of ten draws |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for one in results:
        pairs = (f"{one['off'][figure]:.0f}, {one['on'][figure]:.0f}" for figure in ("p50", "p99", "p999"))
        least, most = one["p99_ratio_between"]
        lines.append(
            f"| {one['workload']} | {one['rate']:.0f} | {one['part']:.0%} | {one['compared']:.1%} | {' | '.join(pairs)}"
            f" | {one['p99_ratio']:.2f} | {least:.2f} to {most:.2f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
