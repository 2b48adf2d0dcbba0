"""Fails when a dependency's licence is outside the list in deny.toml, or the list names one that nobody has.

    python3 tests/licences.py

Audits every package of Cargo.lock, on every platform. It stands in for `cargo deny check licenses`, which
takes longer to install than all our tests take to run, and understands just what licence fields contain:
names, AND, OR, WITH, parentheses, and the old slash for OR.
"""

import json
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main() -> int:
    allowed = set(tomllib.loads((ROOT / "deny.toml").read_text())["licenses"]["allow"])
    packages = [package for package in metadata()["packages"] if package["source"] is not None]
    faults = []
    met = set()

    for package in packages:
        name = f"{package['name']} {package['version']}"
        try:
            expression = Expression(package["license"] or "")
        except ValueError as error:
            faults.append(f"{name}: {error}")
            continue
        met |= expression.names
        if not expression.holds(allowed):
            faults.append(f"{name}: `{expression.text}` asks for a licence that deny.toml does not allow")
    faults += [f"deny.toml: no dependency has the licence `{name}`" for name in sorted(allowed - met)]

    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    print(f"{len(packages)} dependencies, {len(faults)} faults")
    return 1 if faults or not packages else 0


class Expression:
    """A licence field, readable as a question: do these licences satisfy it?

    >>> Expression("MIT OR LGPL-3.0").holds({"MIT"})
    True
    >>> Expression("MIT AND LGPL-3.0").holds({"MIT"})
    False
    >>> Expression("MIT OR ISC AND LGPL-3.0").holds({"ISC"})  # AND binds tighter
    False
    >>> Expression("(MIT OR LGPL-3.0) AND Zlib").holds({"MIT", "Zlib"})
    True
    >>> Expression("Apache-2.0 WITH LLVM-exception").holds({"Apache-2.0"})  # exceptions only add rights
    True
    >>> Expression("Unlicense/MIT").holds({"MIT"})
    True
    >>> Expression("MIT OR")
    Traceback (most recent call last):
        ...
    ValueError: cannot read the licence `MIT OR`
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()
        self._words = re.findall(r"[()]|[^\s()]+", text.replace("/", " OR "))
        self._ways = self._either()
        if self._words:
            raise self._unreadable()

    def holds(self, allowed: set[str]) -> bool:
        return any(way <= allowed for way in self._ways)

    # Each level returns the ways to satisfy it: a list of sets of licences that are all needed.

    def _either(self) -> list[set[str]]:
        ways = self._all()
        while self._next("OR"):
            ways = ways + self._all()
        return ways

    def _all(self) -> list[set[str]]:
        ways = self._one()
        while self._next("AND"):
            others = self._one()
            ways = [way | other for way in ways for other in others]
        return ways

    def _one(self) -> list[set[str]]:
        if self._next("("):
            ways = self._either()
            if not self._next(")"):
                raise self._unreadable()
            return ways
        name = self._name()
        if self._next("WITH"):
            self._name()
        self.names.add(name)
        return [{name}]

    def _name(self) -> str:
        if not self._words or self._words[0] in {"(", ")", "AND", "OR", "WITH"}:
            raise self._unreadable()
        return self._words.pop(0)

    def _next(self, word: str) -> bool:
        if self._words[:1] != [word]:
            return False
        self._words.pop(0)
        return True

    def _unreadable(self) -> ValueError:
        return ValueError(f"cannot read the licence `{self.text}`")


def metadata() -> dict:
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--quiet"]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


if __name__ == "__main__":
    sys.exit(main())
