#!/usr/bin/env bash
# Installs the Debian packages of packages.txt that are missing; with "check" as argument those of the tests too.
# Without root it says what is missing and leaves it to the reader; elsewhere than on Debian it does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v dpkg-query >/dev/null; then
    echo "setup: not a Debian system; see packages.txt for what is needed"
    exit 0
fi

names=$(sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' packages.txt)
if [ "${1:-}" = check ]; then
    names=$(sed 's/^check://' <<<"$names")
else
    names=$(grep -v '^check:' <<<"$names")
fi

missing=()
installed=$(dpkg-query -W -f='${db:Status-Abbrev}|${Package}\n' 2>/dev/null | sed -n 's/^ii *|//p' | sort -u)
for name in $names; do
    grep -qxF -- "$name" <<<"$installed" || missing+=("$name")
done
[ ${#missing[@]} -eq 0 ] && exit 0

echo "setup: missing Debian packages: ${missing[*]}"
if [ "$(id -u)" -ne 0 ]; then
    echo "setup: not root; run:  sudo apt-get install --no-install-recommends ${missing[*]}"
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends "${missing[@]}"
