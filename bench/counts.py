"""Counts instructions with callgrind, and compares them with those in counts.json.

The program runs each phase N times, then 2N times, and enters a function between them at which callgrind writes down what it
counted since the last time: 2N rounds less N rounds, divided by N, is what one round takes. What a compiler makes
depends on its version and its target; counts of another one are shown and not judged.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import workloads

BASELINE = Path(__file__).parent / "counts.json"
MORE = 0.05
"""What may come on top before the run fails, as a part of the baseline."""
SLACK = 20
"""Instructions that are noise whatever their part is: where a table of hashes grows, how many digits a number has."""

AIMS = (
    # What is divided by what, how often, and what that should be at most.
    ("bulk item / request", "request/bulk-100-array", "request/invite", 100, 0.8),
    ("bulk item / request (emails)", "request/bulk-100-emails", "request/invite", 100, 0.8),
    ("list of 100 / serde_json there and back", "request/list-100", "yardstick/serde-json-list-100", 1, 2.0),
    ("among 200 dialects / among those that ship", "request/invite-among-200", "request/invite", 1, 1.01),
    ("refused by schema / request", "request/refused-schema", "request/invite", 1, None),
    ("refused by quota / request", "request/refused-quota", "request/invite", 1, None),
)


def main() -> None:
    options = arguments()
    start = time.monotonic()
    counted = count(options.program, options.only)
    baseline = json.loads(BASELINE.read_text()) if BASELINE.exists() else {"made_with": {}, "instructions": {}}
    here = made_with()
    known = baseline["instructions"]
    if options.only:
        known = {name: number for name, number in known.items() if any(part in name for part in options.only)}
    table(counted, known, options.markdown)
    if not options.only:
        aims(counted)
    print(f"\ncounted in {time.monotonic() - start:.0f} s")
    if options.bless:
        kept = baseline["instructions"] if options.only else {}
        blessed = {"made_with": here, "instructions": dict(sorted((kept | counted).items()))}
        BASELINE.write_text(json.dumps(blessed, indent=2) + "\n")
        print(f"written to {BASELINE.name}")
    elif baseline["made_with"] != here:
        print(f"not judged: the baseline was made with {baseline['made_with']}, this with {here}")
    else:
        sys.exit(judged(counted, known))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, required=True, help="the built `phases`")
    parser.add_argument("--bless", action="store_true", help="write what was counted to counts.json")
    parser.add_argument("--only", action="append", default=[], help="phases with that in their names; may be repeated")
    parser.add_argument("--markdown", action="store_true", help="print the table as docs/performance.md has it")
    return parser.parse_args()


def count(program: Path, only: list[str]) -> dict[str, int]:
    """Instructions of one round, by phase."""
    with tempfile.TemporaryDirectory(prefix="interlingua-counts-") as name:
        folder = Path(name)
        workloads.write(folder / "cases")
        command = ["valgrind", "--quiet", "--tool=callgrind", "--dump-before=*counts_mark*", "--dump-line=no"]
        command += [f"--callgrind-out-file={folder}/out", str(program), "count", str(folder / "cases"), *only]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode != 0:
            sys.exit(f"the phases ended with {ran.returncode}: {ran.stderr[-2000:]}")
        phases = [line.rsplit(" ", 1) for line in ran.stdout.splitlines()]
        counted = {}
        for index, (phase, rounds) in enumerate(phases):
            # Before the first mark of a phase it gets warm, and the one before it ends.
            once, twice = (total(folder / f"out.{3 * index + part}") for part in (2, 3))
            counted[phase] = round((twice - once) / int(rounds))
        return counted


def total(dump: Path) -> int:
    return int(re.search(r"^(?:totals|summary): (\d+)", dump.read_text(), re.MULTILINE)[1])


def made_with() -> dict[str, str]:
    """What counts depend on besides the source."""
    rustc = dict(re.findall(r"^(\w+): (.*)$", subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout, re.MULTILINE))
    flags = set(re.findall(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)[0].split())
    # The C library chooses how to copy and compare by what the processor has.
    vectors = " ".join(one for one in ("avx2", "bmi2", "erms") if one in flags)
    return {"rustc": rustc["release"], "target": rustc["host"], "processor": vectors}


def table(counted: dict[str, int], known: dict[str, int], markdown: bool) -> None:
    if markdown:
        print("| phase | instructions |\n| --- | ---: |")
        for name, number in counted.items():
            print(f"| `{name}` | {number:,} |")
        return
    print(f"{'phase':<34} {'instructions':>13} {'baseline':>13} {'difference':>11}")
    for name, number in counted.items():
        before = known.get(name)
        difference = f"{(number / before - 1) * 100:+.1f} %" if before else "new"
        print(f"{name:<34} {number:>13,} {before if before else 0:>13,} {difference:>11}")
    for name in known.keys() - counted.keys():
        print(f"{name:<34} {'gone':>13} {known[name]:>13,}")


def aims(counted: dict[str, int]) -> None:
    print()
    for name, one, other, times, most in AIMS:
        ratio = counted[one] / times / counted[other]
        aim = f"aim: at most {most}" if most else ""
        print(f"{name:<44} {ratio:>6.3f}   {aim}".rstrip())


def judged(counted: dict[str, int], known: dict[str, int]) -> int:
    worse = [name for name, number in counted.items() if number > known.get(name, number) * (1 + MORE) + SLACK]
    strange = sorted(known.keys() ^ counted.keys())
    for name in worse:
        print(f"over {MORE:.0%} more instructions than written down: {name}", file=sys.stderr)
    for name in strange:
        print(f"measured or written down, not both: {name}", file=sys.stderr)
    if worse or strange:
        print("if that is meant, `bench/counts --bless` writes it down", file=sys.stderr)
    return 1 if worse or strange else 0


if __name__ == "__main__":
    main()
