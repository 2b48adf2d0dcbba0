#!/usr/bin/env bash
# Installs what the tests need and the machine lacks, and says what it does. It can do so on Debian and its
# relatives, as root; elsewhere it names what is missing and ends with 1.
set -euo pipefail

packages=()
command -v cc > /dev/null || packages+=(gcc libc6-dev)
command -v c++ > /dev/null || packages+=(g++)
command -v node > /dev/null || packages+=(nodejs)
command -v npm > /dev/null || packages+=(npm)
command -v xmllint > /dev/null || packages+=(libxml2-utils)
python3 -c 'import ensurepip, venv' 2> /dev/null || packages+=(python3 python3-venv)

# Another version of Python is not for the system's package manager to replace. Without python3 one is installed below.
if command -v python3 > /dev/null && ! python3 -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'; then
  echo "$(python3 -V) is here, and a published client runs on 3.11 to 3.13 only"
  exit 1
fi

if [ "${#packages[@]}" -eq 0 ]; then
  echo "nothing is missing"
elif [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null; then
  echo "installing ${packages[*]}"
  apt-get update -qq
  apt-get install -qq -y --no-install-recommends "${packages[@]}"
else
  echo "missing, and not to be installed from here: ${packages[*]}"
  exit 1
fi
