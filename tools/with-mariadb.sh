#!/usr/bin/env bash
# Runs a command beside a private, throw-away MariaDB and hands its address over in TEST_DATABASE_URL.
# Usage: tools/with-mariadb.sh COMMAND [ARG...]     The exit code is the command's.
set -uo pipefail

# shellcheck source=tools/mariadb.sh
source "$(dirname "${BASH_SOURCE[0]}")/mariadb.sh"

if (($# == 0)); then
  echo "Usage: tools/with-mariadb.sh COMMAND [ARG...]" >&2
  exit 64
fi

command_pid=""
# shellcheck disable=SC2317 # reached through the traps below
clean_up() {
  trap '' HUP INT TERM # a second Ctrl-C must not leave the server behind
  [[ -z $command_pid ]] || end_process "$command_pid" 10
  mariadb_stop
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

mariadb_install || exit 1
password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
mariadb_start "$password" || exit 1
export TEST_DATABASE_URL="mariadb://root:$password@127.0.0.1:$MARIADB_PORT"

# In the background, so that a signal to this script is acted upon at once and not after the command.
"$@" <&0 &
command_pid=$!
wait "$command_pid"
code=$?
command_pid=""
exit "$code"
