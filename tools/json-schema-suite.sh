#!/usr/bin/env bash
# Sees to it that the official JSON Schema test suite is there: Debian has it in a package, which is unpacked, not installed,
# because it is the tests of a Perl module with forty more behind it. Usage: tools/json-schema-suite.sh
set -euo pipefail
# shellcheck source=tools/mariadb.sh
source "$(dirname "${BASH_SOURCE[0]}")/mariadb.sh"

package=libtest-json-schema-acceptance-perl
folder=${XDG_CACHE_HOME:-$HOME/.cache}/batchline/json-schema-suite
[[ ! -d $folder ]] || exit 0
if ! type -P apt-get dpkg-deb >/dev/null; then
  printf 'The tests need the JSON Schema test suite: put a checkout of it into %s\n' "$folder" >&2
  exit 1
fi
draft=$(mktemp -d)
trap 'rm -rf -- "$draft"' EXIT
cd "$draft"
apt_quietly download "$package" 2>/dev/null || { [[ $(id -u) != 0 ]] || apt_quietly update || true; apt_quietly download "$package"; }
dpkg-deb -x "$package"_*.deb unpacked
mkdir -p "$(dirname "$folder")"
# Another run may have been faster.
mv -T "unpacked/usr/share/perl5/auto/share/dist/Test-JSON-Schema-Acceptance" "$folder" 2>/dev/null || [[ -d $folder ]]
