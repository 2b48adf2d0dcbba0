"""What becomes of clients when more of them ask than the backend can answer: `docs/operations.md`, "Overload".

    python3 bench/overload.py target/release/interlingua

The backend takes half a second for each call, and there are two connections to it: it can answer four requests a second. First
two are asked each second, then sixteen, at a steady rate whatever becomes of them, each with a credential of its own. Ends with 1 if less
than four fifths of what can be answered is, if the 99th percentile of those that are refused is 50 ms or more, if the backend heard
anything else than what was answered, or if a refusal says nothing of when to come back.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from processes import free_ports, listens, started, wait_for

CALL = 0.5
CONNECTIONS = 2
CAPACITY = CONNECTIONS / CALL
FIXTURES = Path(__file__).parent.parent / "tests/fixtures/acme"
PATH = "/acme/api/orgs/20000000-0000-4000-8000-000000000001/people"


class Backend:
    """Adds members, each in its time."""

    def __init__(self) -> None:
        self.heard = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                _, _, body = await message(reader)
                self.heard += 1
                await asyncio.sleep(CALL)
                member = {"id": "10000000-0000-4000-8000-000000000101", "note": None} | body
                text = json.dumps(member).encode()
                head = f"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
                writer.write(head.encode() + text)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # The program has hung up, or the measurement is over.
        finally:
            writer.close()


async def message(reader: asyncio.StreamReader) -> tuple[str, dict, dict]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return first, headers, json.loads(body) if body else {}


async def ask(port: int, number: int) -> tuple[int, bool, float]:
    """The status, whether it says when to come back, and the seconds that it took."""
    loop = asyncio.get_running_loop()
    body = json.dumps({"email": f"n{number}@example.com"}).encode()
    begun = loop.time()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"POST {PATH} HTTP/1.1\r\nHost: test\r\nAuthorization: Token pat_DemoDemo{number}\r\nContent-Type: application/json\r\n"
        f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    )
    first, headers, _ = await message(reader)
    writer.close()
    return int(first.split()[1]), "retry-after" in headers, loop.time() - begun


async def measured(port: int, backend: Backend, rate: float, seconds: float, number: int) -> dict:
    heard, asked, loop = backend.heard, [], asyncio.get_running_loop()
    begun = loop.time()
    for one in range(int(rate * seconds)):
        asked.append(asyncio.create_task(ask(port, number + one)))
        await asyncio.sleep(1 / rate)
    told = await asyncio.gather(*asked)
    lasted = loop.time() - begun
    answered = [took for status, _, took in told if status == 200]
    refused = [took for status, _, took in told if status == 503]
    return {
        "asked": len(told),
        "answered": answered,
        "refused": refused,
        "others": len(told) - len(answered) - len(refused),
        "says_when": all(says for status, says, _ in told if status == 503),
        "heard": backend.heard - heard,
        "per_second": len(answered) / lasted,
    }


def at(part: float, times: list[float]) -> str:
    return f"{quantile(part, times) * 1000:.0f} ms" if times else "–"


def quantile(part: float, times: list[float]) -> float:
    return sorted(times)[min(len(times) - 1, int(part * len(times)))]


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    backend = Backend()
    server = await asyncio.start_server(backend.serve, "127.0.0.1", 0)
    called = server.sockets[0].getsockname()[1]
    port, admin = free_ports(2)
    with tempfile.TemporaryDirectory(prefix="interlingua-overload-") as name:
        config = Path(name) / "config.toml"
        config.write_text(
            f'[server]\nworkers = 1\n[[server.listener]]\naddress = "127.0.0.1:{port}"\n'
            f'[admin]\naddress = "127.0.0.1:{admin}"\n[telemetry]\nfilter = "error"\n[limit]\nwindows = []\n'
            f'[upstream]\nbase = "http://127.0.0.1:{called}"\nconnections_max = {CONNECTIONS}\n'
            f'[files]\nmappings = "{FIXTURES}/mappings"\nschemas = "{FIXTURES}/schemas"\n'
        )
        with started([str(options.program.absolute()), "serve", "--config", str(config)]):
            wait_for(lambda: listens(port))
            quiet = await measured(port, backend, CAPACITY / 2, options.seconds / 4, 0)
            crowded = await measured(port, backend, CAPACITY * 4, options.seconds, 1_000_000)
    print("| asked each second | answered each second | took, half and 99 % | refused | after, half and 99 % |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for rate, told in ((CAPACITY / 2, quiet), (CAPACITY * 4, crowded)):
        took, after = ([at(part, told[kind]) for part in (0.5, 0.99)] for kind in ("answered", "refused"))
        print(
            f"| {rate:.0f} | {told['per_second']:.1f} | {', '.join(took)} | {len(told['refused'])} of {told['asked']} "
            f"| {', '.join(after)} |"
        )
    faults = [
        (crowded["per_second"] < 0.8 * CAPACITY, "less is answered than could be"),
        (not crowded["refused"] or quantile(0.99, crowded["refused"]) >= 0.05, "whoever is refused waits for it"),
        (bool(quiet["refused"]), "somebody is refused although there is room"),
        (bool(quiet["others"] + crowded["others"]), "some are told neither 200 nor 503"),
        (any(told["heard"] != len(told["answered"]) for told in (quiet, crowded)), "calls were made for nothing"),
        (not crowded["says_when"], "a refusal does not say when to come back"),
    ]
    for is_so, fault in faults:
        if is_so:
            print(fault, file=sys.stderr)
    return int(any(is_so for is_so, _ in faults))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
