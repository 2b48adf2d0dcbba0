#!/usr/bin/env bash
# shellcheck disable=SC2329 # `step` calls what it is given
# Runs every test there is: the Rust ones, and published clients of the dialects against a started proxy.
#
# Needs cargo. A C compiler, node with npm, and python3 with venv are installed if they are missing; what the
# clients need beyond that goes under target/ and tests/clients/, at the versions written down there. It listens
# on two free loopback ports.
set -euo pipefail
cd "$(dirname "$0")"

target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/clients"
work=$(cd "$target/clients" && pwd)
binary=$target/debug/interlingua
pairs=$work/shortuuid.txt
passed=0 failed=0

main() {
  command -v cargo > /dev/null || { echo "cargo is missing: install Rust 1.91 or newer"; exit 1; }

  # A failed step is remembered and the next one runs; only one that others stand on ends the run.
  must "install what the machine lacks" tests/install.sh
  must "install shortuuid into $work/venv" install_shortuuid
  must "write UUIDs and their short forms" make_pairs
  step "run the Rust tests" rust_tests
  must "build the program" cargo build --locked
  step "check what ships" "$binary" check
  must "install the published client" install_client
  step "run the published client against the program" drive_client
  finish
}

install_shortuuid() {
  [ -x "$work/venv/bin/python" ] || python3 -m venv "$work/venv"
  "$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r tests/clients/shortuuid/requirements.txt
}

make_pairs() {
  "$work/venv/bin/python" tests/clients/shortuuid/make_pairs.py "$pairs"
}

rust_tests() {
  INTERLINGUA_SHORTUUID_VECTORS=$pairs cargo test --locked
}

install_client() {
  npm ci --prefix tests/clients/gitbook --no-audit --no-fund --loglevel=error
}

drive_client() {
  local port admin pid
  read -r port admin < <(free_ports)
  cat > "$work/config.toml" <<TOML
[[server.listener]]
address = "127.0.0.1:$port"
[admin]
address = "127.0.0.1:$admin"
[backend]
seed = true
TOML

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

  set -a
  # shellcheck source=tests/clients/gitbook/demo.env
  . tests/clients/gitbook/demo.env
  # shellcheck disable=SC2034 # exported by `set -a`
  INTERLINGUA_URL=http://127.0.0.1:$port/gitbook
  set +a
  local outcome=0
  node tests/clients/gitbook/run.mjs || outcome=$?

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
