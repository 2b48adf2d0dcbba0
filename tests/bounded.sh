#!/usr/bin/env bash
# Runs tests, and ends them when they have taken so many minutes: `tests/bounded.sh 30 cargo test`. One that hangs would
# hold up whoever waits for the outcome for ever. Says which they were: the test harness tells of a test that has run for a
# minute, and of these some have no outcome.
set -euo pipefail

minutes=$1
shift
if ! command -v timeout > /dev/null; then
  echo "there is no \`timeout\` here: nothing ends tests that hang"
  exec "$@"
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# All that it starts is in one process group, which ends as a whole, with the programs that tests have started. A key that
# interrupts does not reach it, so that is handed on.
timeout --kill-after=10 "${minutes}m" "$@" > "$log" 2>&1 &
tests=$!
# No pipe: whatever a test leaves behind would hold it open.
tail -n +1 -f --pid="$tests" "$log" &
shown=$!
trap 'kill -TERM "$tests" 2> /dev/null || true' INT TERM

outcome=0
wait "$tests" || outcome=$?
wait "$shown"
if [ "$outcome" -ne 124 ] && [ "$outcome" -ne 137 ]; then
  exit "$outcome"
fi

echo "ended: not over after $minutes minutes"
sed -nE 's/^test (.+) has been running for over [0-9]+ seconds$/\1/p' "$log" | sort -u | while read -r name; do
  grep -qF "test $name ... " "$log" || echo "  hangs, or is slow: $name"
done
exit "$outcome"
