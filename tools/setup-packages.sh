#!/usr/bin/env bash
# Installs the Debian packages of packages.txt that are missing; with "check" as argument those of the tests too.
# Without root it says what is missing and stops; elsewhere than on Debian, or with PACKAGES=skip, it does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

[ "${PACKAGES:-}" = skip ] && exit 0
if ! command -v dpkg-query >/dev/null; then
    echo "setup: not a Debian system; packages.txt has the names of what is needed"
    exit 0
fi

installed=$(dpkg-query -W -f='${db:Status-Abbrev}|${Package}\n' 2>/dev/null | sed -n 's/^ii *|//p' | sort -u)
missing=()
while read -r name unless command; do
    case $name in
    '' | '#'*) continue ;;
    check:*)
        [ "${1:-}" = check ] || continue
        name=${name#check:}
        ;;
    esac
    if [ "$unless" = unless ] && command -v "$command" >/dev/null; then
        continue
    fi
    grep -qxF -- "$name" <<<"$installed" || missing+=("$name")
done <packages.txt
[ ${#missing[@]} -eq 0 ] && exit 0

echo "setup: missing Debian packages: ${missing[*]}"
if [ "$(id -u)" -ne 0 ]; then
    echo "setup: not root; run:  sudo apt-get install --no-install-recommends ${missing[*]}"
    echo "setup: or set PACKAGES=skip, if you have what they hold from elsewhere"
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends "${missing[@]}"
