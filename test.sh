#!/usr/bin/env bash
# shellcheck disable=SC2329 # `step` calls what it is given
# Runs every test there is: the Rust ones, and published clients of the dialects against a started proxy.
#
# Needs cargo. A C compiler, node with npm, xmllint, and python3 (3.11 to 3.13) with venv are installed if they are missing;
# what the clients need beyond that goes under target/ and tests/clients/, at the versions written down there. It
# listens on up to six free loopback ports.
set -euo pipefail
cd "$(dirname "$0")"

target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/clients"
work=$(cd "$target/clients" && pwd)
binary=$target/debug/interlingua
pairs=$work/shortuuid.txt
texts=$work/json-suite
passed=0 failed=0

main() {
  local dialect
  command -v cargo > /dev/null || { echo "cargo is missing: install Rust 1.91 or newer"; exit 1; }

  # A failed step is remembered and the next one runs; only one that others stand on ends the run.
  must "install what the machine lacks" tests/install.sh
  must "install shortuuid" install_python shortuuid tests/clients/shortuuid/requirements.txt
  must "write UUIDs and their short forms" make_pairs
  must "write the texts of JSONTestSuite" make_texts
  step "run the Rust tests" rust_tests
  step "check what ships" "$binary" check
  step "hold JUnit reports against their schema" tests/junit.sh "$binary" "$work/junit"
  must "install the published clients" install_clients
  step "run the published clients against the program" drive as_shipped run_clients
  step "move a published client to the canonical side, back and again" move_clients
  must "install the tools that read OpenAPI" install_python openapi tests/clients/openapi/requirements.txt
  for dialect in apexscore closient dreadnode gitbook letpiper; do
    step "compare the program with its document of $dialect" drive without_quotas run_openapi "$dialect"
  done
  finish
}

# An environment of its own for one client in Python: its name, its file of requirements, and packages to install
# without what they ask for themselves.
install_python() {
  local venv=$work/$1 requirements=$2
  local -a pip=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check)
  shift 2
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  "${pip[@]}" -r "$requirements"
  if [ $# -gt 0 ]; then "${pip[@]}" --no-deps "$@"; fi
}

make_pairs() {
  "$work/shortuuid/bin/python" tests/clients/shortuuid/make_pairs.py "$pairs"
}

make_texts() {
  npm ci --prefix tests/suites/json --no-audit --no-fund --loglevel=error
  node tests/suites/json/write.mjs "$texts"
}

# The whole mutation run takes longer than all else together; a tenth part of it is in proportion. All reloads and
# restarts take half a minute, and one reload that hangs a whole one. Building has no bound.
rust_tests() {
  cargo test --locked --no-run
  INTERLINGUA_LIFECYCLE=all INTERLINGUA_SHORTUUID_VECTORS=$pairs INTERLINGUA_JSON_SUITE=$texts \
    tests/bounded.sh 30 cargo test --locked
}

install_clients() {
  npm ci --prefix tests/clients/gitbook --no-audit --no-fund --loglevel=error
  # The packages ask for far more than their clients of the API import; the requirements are what those do.
  install_python dreadnode tests/clients/dreadnode/requirements.txt dreadnode==2.0.52
  install_python dreadnode-legacy tests/clients/dreadnode/requirements-legacy.txt dreadnode==1.17.1
}

# The published clients, against the program that listens at URL. All of them run; one that fails is remembered.
run_clients() {
  local url=$1 outcome=0 script
  for script in links members generations; do
    as_in_demo gitbook "$url" node "tests/clients/gitbook/$script.mjs" || outcome=1
  done
  as_in_demo dreadnode "$url" "$work/dreadnode/bin/python" tests/clients/dreadnode/run.py || outcome=1
  as_in_demo dreadnode "$url" "$work/dreadnode-legacy/bin/python" tests/clients/dreadnode/legacy.py || outcome=1
  return "$outcome"
}

# Under load, between two backends that the script starts itself.
move_clients() {
  local folder=tests/clients/gitbook/migration
  python3 "$folder/run.py" "$binary" node "$folder/walk.mjs"
}

# Runs a client of a dialect as the people its demo.env names.
as_in_demo() (
  dialect=$1 url=$2
  shift 2
  echo "-- $*"
  set -a
  # shellcheck source=/dev/null # there is one for each dialect
  . "tests/clients/$dialect/demo.env"
  INTERLINGUA_URL=$url/$dialect INTERLINGUA_OTHER_URL=$url/gitbook exec "$@"
)

run_openapi() {
  mkdir -p "$work/documents"
  "$work/openapi/bin/python" tests/clients/openapi/run.py "$binary" "$1" "$work/documents" "$2"
}

as_shipped() { :; }

# Configuration for the tools that make more requests than a quota lets through: behind a 429, no operation would be
# seen. The mappings are those that ship, but for their quotas.
without_quotas() {
  local windows='windows = ["100000/second"]' mapping
  rm -rf "$work/mappings"
  mkdir "$work/mappings"
  for mapping in mappings/*.toml; do
    sed "s|^windows *=.*|$windows|" "$mapping" > "$work/$mapping"
  done
  printf '[limit]\n%s\n[files]\nmappings = "%s"\n' "$windows" "$work/mappings"
}

# Starts the program before the demonstration data, runs a command with the URL added, and stops the program. The
# function before the command prints more of the configuration.
drive() {
  local configure=$1 port admin pid
  shift
  read -r port admin < <(free_ports)
  cat > "$work/config.toml" <<TOML
[[server.listener]]
address = "127.0.0.1:$port"
[admin]
address = "127.0.0.1:$admin"
[backend]
seed = true
TOML
  "$configure" >> "$work/config.toml"

  "$binary" serve --config "$work/config.toml" > "$work/serve.log" 2>&1 &
  pid=$!
  # Whatever happens below, the program does not outlive this step.
  # shellcheck disable=SC2064
  trap "kill -KILL $pid 2>/dev/null || true" EXIT

  if ! wait_ready "$admin" "$pid"; then
    echo "the program ended, or was not ready within 20 s; its log ends:"
    tail -n 40 "$work/serve.log"
    return 1
  fi
  echo "started as $pid on 127.0.0.1:$port"

  local outcome=0
  "$@" "http://127.0.0.1:$port" || outcome=$?

  kill -TERM "$pid" || { echo "the program ended before it was asked to"; outcome=1; }
  wait_gone "$pid" || { echo "the program did not end within 35 s of SIGTERM"; return 1; }
  trap - EXIT
  wait "$pid" || { echo "the program ended with status $?, not 0"; outcome=1; }
  if [ "$outcome" -ne 0 ]; then
    echo "the log of the program ends:"
    tail -n 40 "$work/serve.log"
  fi
  return "$outcome"
}

# Two ports nobody listens on. Both are held until both are known, so they differ.
free_ports() {
  python3 - <<'PYTHON'
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(socket.getsockname()[1] for socket in held))
PYTHON
}

wait_ready() {
  local port=$1 pid=$2
  for _ in $(seq 200); do
    kill -0 "$pid" 2>/dev/null || return 1
    case $(status_line "$port" 2>/dev/null || true) in
      *" 200 "*) return 0 ;;
    esac
    sleep 0.1
  done
  return 1
}

status_line() {
  local line
  exec 3<>"/dev/tcp/127.0.0.1/$1"
  printf 'GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n' >&3
  read -r -t 2 line <&3
  echo "$line "
}

wait_gone() {
  for _ in $(seq 350); do
    kill -0 "$1" 2>/dev/null || return 0
    sleep 0.1
  done
  return 1
}

# Runs a step, says what it is and how it went. Never call it in a condition: bash would then ignore `set -e`
# in everything it runs.
step() {
  local name=$1 outcome
  shift
  printf '\n==> %s\n' "$name"
  set +e
  (set -e; "$@")
  outcome=$?
  set -e
  if [ "$outcome" -eq 0 ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $name"
  fi
}

# A step without which the rest makes no sense.
must() {
  local before=$failed
  step "$@"
  if [ "$failed" -gt "$before" ]; then finish; fi
}

finish() {
  printf '\nsteps: %s passed, %s failed\n' "$passed" "$failed"
  exit $((failed > 0))
}

main
