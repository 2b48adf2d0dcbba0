#!/usr/bin/env bash
# Holds the JUnit report on every fault of tests/diagnostics/, and on what ships, against the schema Jenkins reads such
# reports by: tests/junit.sh PROGRAM FOLDER. The folder is for the reports, and is emptied first.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=$1 folder=$2
schema=tests/fixtures/formats/junit-10.xsd
rm -rf "$folder"
mkdir -p "$folder"

# Runs `check` on a case laid over the base, as tests/diagnostics/README.md says: an empty file takes one away.
report() {
  local case=$1 files=$folder/files
  if [ -f "$case/config.toml" ]; then
    "$binary" check --format junit --config "$case/config.toml"
    return
  fi
  rm -rf "$files"
  cp -r tests/diagnostics/base "$files"
  cp -r "$case/." "$files"
  find "$files" -type f -empty -delete
  "$binary" check --format junit --mappings "$files/mappings" --schemas "$files/schemas"
}

reports=()
for case in tests/diagnostics/*/; do
  name=$(basename "$case")
  out=$folder/$name.xml
  status=0
  report "$case" > "$out" || status=$?
  # A case that cannot even be read has no report.
  if [ "$status" -gt 1 ]; then
    echo "$name: status $status"
    exit 1
  fi
  # A fault that is an error fails a test case; a warning or a note fails none.
  if [ "$status" -eq 1 ] && ! grep -q '<failure ' "$out"; then
    echo "$name: no test case failed"
    exit 1
  fi
  reports+=("$out")
done
"$binary" check --format junit > "$folder/shipped.xml"
reports+=("$folder/shipped.xml")

xmllint --noout --schema "$schema" "${reports[@]}" 2> "$folder/xmllint.log" || { grep -v ' validates$' "$folder/xmllint.log"; exit 1; }
echo "${#reports[@]} reports are valid"
