#!/usr/bin/env python3
"""Opens `interlingua report --format html` in a headless browser, and says what a person would see.

    python3 tests/report/look.py target/debug/interlingua [FOLDER]     # needs Chromium

Two programs run, each with the backend that is built in: one is the old upstream of the other's GitBook clients, which are
compared in shadow mode, and one role differs. The report that comes of it is drawn wide and narrow, light and dark, into
FOLDER (`target/report`). Ends with 1 if the browser's console says anything, if the page asks for anything, or if what was
made to differ is not in it. That it can be read is for whoever looks at the pictures.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

from processes import free_ports, listens, started, wait_for

TOKENS = ["gb_api_DemoOwnerNorthwind0000000000000000000000", "DemoViewerNorthwindPlainOne0000000000000"]
"""Who the demonstration data lets ask."""
MEMBERS = "/gitbook/v1/orgs/3c90c3cc-0d44-4b50-8888-8dd25736052a/members"
ASKED = 20
"""Few: shadows ask for nothing besides where less than three quarters of a quota are left."""
DIFFERS = "/items/*/role"
SHOTS = [("wide", "1280,2600", []), ("narrow", "420,4200", []), ("dark", "1280,2600", ["--force-dark-mode"])]


def main() -> int:
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    program, folder = (Path(path).resolve() for path in (sys.argv[1:] + ["target/report"])[:2])
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        sys.exit("Chromium is missing: install it, such as the package `chromium`")
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "report.html"
    with tempfile.TemporaryDirectory(prefix="interlingua-report-") as name:
        page.write_bytes(reported(program, Path(name)))
    wrong = [] if DIFFERS in page.read_text() else [f"nothing is said of {DIFFERS}"]
    for shot, size, more in SHOTS:
        wrong += [f"{shot}: {line}" for line in looked_at(browser, page, folder / f"{shot}.png", size, more)]
    print("\n".join(wrong) or f"silent, and asks for nothing; look at {folder}/*.png")
    return int(bool(wrong))


def reported(program: Path, folder: Path) -> bytes:
    """The report of a shadow that found something."""
    old, new = free_ports(2)
    (folder / "old.toml").write_text(listening(old) + "[admin]\nenabled = false\n")
    legacy = f'[legacy.gitbook]\nbase = "http://127.0.0.1:{old}/gitbook"\n[mode.gitbook]\nmode = "shadow"\nextra = 1600\n'
    usage = f'[usage]\nfile = "{folder}/usage.sqlite"\n[admin]\nenabled = false\n'
    (folder / "new.toml").write_text(listening(new) + usage + legacy)
    with ExitStack() as stack:
        for config, port in (("old.toml", old), ("new.toml", new)):
            stack.enter_context(started([str(program), "serve", "--config", str(folder / config)]))
            wait_for(lambda: listens(port))
        members = ask(old, "GET", MEMBERS, TOKENS[0])["items"]
        reader = next(member for member in members if member["role"] == "read")
        ask(old, "PATCH", f"{MEMBERS}/{reader['id']}", TOKENS[0], {"role": "create"})
        for number in range(ASKED):
            ask(new, "GET", f"{MEMBERS}?limit=50", TOKENS[number % len(TOKENS)])
            time.sleep(0.2)  # one is compared before the next one comes
    # What was counted is written when the program has ended.
    words = [program, "report", "--config", folder / "new.toml", "--format", "html", folder / "usage.sqlite"]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout


def looked_at(browser: str, page: Path, picture: Path, size: str, more: list[str]) -> list[str]:
    """What the console said, and what the page asked for."""
    with tempfile.TemporaryDirectory(prefix="interlingua-browser-") as profile:
        network = Path(profile, "network.json")
        words = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", f"--window-size={size}"]
        words += [f"--user-data-dir={profile}", f"--log-net-log={network}", f"--screenshot={picture}", *more, page.as_uri()]
        log = subprocess.run(words, check=True, stderr=subprocess.PIPE, timeout=120).stderr.decode(errors="replace")
        said = [line for line in log.splitlines() if "CONSOLE" in line]
        # What the browser asks for by itself, such as updates, is asked by no page.
        urls = set(re.findall(r'isolation_key":"file://.*"url":"(.*?)"', network.read_text()))
    return said + [f"asked for {url}" for url in sorted(urls) if not url.startswith("file:")]


def listening(port: int) -> str:
    return f'[[server.listener]]\naddress = "127.0.0.1:{port}"\n'


def ask(port: int, method: str, target: str, token: str, body: dict | None = None) -> dict:
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"http://127.0.0.1:{port}{target}", method=method, data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


if __name__ == "__main__":
    sys.exit(main())
