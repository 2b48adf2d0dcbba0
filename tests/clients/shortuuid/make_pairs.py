"""Writes UUIDs beside their short forms, as the Python package `shortuuid` spells them.

    python make_pairs.py FILE [--count N] [--seed N]

Each line of FILE is `uuid shortuuid`. First come N random UUIDs, the same for the same seed; then, because
random ones almost never begin with padding, the ends of every bit length (2**k - 1 and 2**k). Each short form
is read back before its line is written.
"""

import argparse
import random
import sys
import uuid

import shortuuid


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="where to write the pairs")
    parser.add_argument("--count", type=int, default=100_000, help="how many random UUIDs (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="start of the random sequence (default: %(default)s)")
    options = parser.parse_args()

    numbers = [*random_numbers(options.count, options.seed), *edge_numbers()]
    with open(options.file, "w", encoding="ascii", newline="\n") as out:
        for number in numbers:
            whole = uuid.UUID(int=number)
            short = shortuuid.encode(whole)
            if len(short) != 22 or shortuuid.decode(short) != whole:
                print(f"shortuuid does not read back its own {short} for {whole}", file=sys.stderr)
                return 1
            out.write(f"{whole} {short}\n")
    print(f"wrote {len(numbers)} pairs to {options.file}")
    return 0


def random_numbers(count: int, seed: int) -> list[int]:
    source = random.Random(seed)
    return [source.getrandbits(128) for _ in range(count)]


def edge_numbers() -> list[int]:
    ends = {end for bits in range(129) for end in (2**bits - 1, 2**bits)}
    return sorted(ends - {2**128})


if __name__ == "__main__":
    sys.exit(main())
