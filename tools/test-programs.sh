#!/usr/bin/env bash
# Sees to it that the programs are there which the tests play a user with: curl, zip, unzip, patch and git; and the JSON
# Schema test suite.
set -euo pipefail
# shellcheck source=tools/mariadb.sh
source "$(dirname "${BASH_SOURCE[0]}")/mariadb.sh"

bash "$(dirname "${BASH_SOURCE[0]}")/json-schema-suite.sh"
missing=()
for program in curl zip unzip patch git; do type -P "$program" >/dev/null || missing+=("$program"); done
((${#missing[@]} == 0)) && exit 0
if [[ $(id -u) != 0 ]] || ! type -P apt-get >/dev/null; then
  printf 'The tests need %s; install them with the package manager of your system.\n' "${missing[*]}" >&2
  exit 1
fi
apt_quietly update || true
apt_quietly install -y --no-install-recommends "${missing[@]}"
