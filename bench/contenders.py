"""Who is measured: nginx that relays, and the program; and the backend of both, an nginx with fixed answers."""

import argparse
import json
import re
import tomllib
from contextlib import contextmanager
from pathlib import Path

from processes import PROCESSORS, ROOT, children, listens, started, wait_for
from workloads import Workload


@contextmanager
def nginx(folder: Path, site: str, processor: int, gives_way: bool = False):
    """An nginx of its own with one worker; gives the worker's pid. It may have what others leave of the processor."""
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
    command = ["chrt", "--idle", "0"] if gives_way else []
    command += ["taskset", "-c", str(processor), "nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
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
def interlingua(options: argparse.Namespace, workload: Workload, folder: Path, backend: int, port: int, admin: int):
    """The program as shipped but for its quotas, behind which nothing could be measured."""
    mappings = folder / "mappings"
    mappings.mkdir()
    for mapping in (ROOT / "mappings").glob("*.toml"):
        text = re.sub(r"(?m)^windows *=.*$", f'windows = ["{workload.quota}"]', mapping.read_text())
        (mappings / mapping.name).write_text(text)
    given = tomllib.loads(options.config.read_text()) if options.config else {}
    ours = {
        # All of them come from one address.
        "server": {"workers": 1, "in_flight_per_address_max": 1024, "listener": [{"address": f"127.0.0.1:{port}"}]},
        "admin": {"address": f"127.0.0.1:{admin}"},
        "upstream": {"base": f"http://127.0.0.1:{backend}", "connections_max": 1024},
        "limit": {"windows": [workload.quota]},
        "telemetry": {"filter": "warn"},
        "files": {"mappings": str(mappings)},
    }
    # Where it listens and whom it asks is for the measurement to say; of the rest the given file has the last word.
    settings = joined(joined({"telemetry": ours.pop("telemetry")}, given), ours)
    (folder / "config.toml").write_text("\n".join(f"{name} = {inline(value)}" for name, value in settings.items()) + "\n")
    command = ["taskset", "-c", str(PROCESSORS[0]), str(options.program.absolute()), "serve", "--config", str(folder / "config.toml")]
    with started(command) as process:
        wait_for(lambda: listens(port))
        yield [process.pid]


def joined(one: dict, other: dict) -> dict:
    """Both, with what the second says where both say something."""
    both = one | other
    for name in one.keys() & other.keys():
        if isinstance(one[name], dict) and isinstance(other[name], dict):
            both[name] = joined(one[name], other[name])
    return both


def inline(value) -> str:
    """The value as TOML has it on one line. Texts and numbers are written as in JSON."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(name)} = {inline(member)}" for name, member in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(inline(element) for element in value) + "]"
    return json.dumps(value)
