# shellcheck shell=bash
# A private MariaDB for one test run: install the program if need be, start it in a folder of its own, stop it again.
# Meant to be sourced; used by tools/with-mariadb.sh. Functions return non-zero and say why on stderr.

MARIADB_FOLDER=""
MARIADB_PID=""
MARIADB_PORT=""

mariadb_say() { printf 'mariadb: %s\n' "$*" >&2; }

# Prints where each program is; fails if one is missing. Server programs live in /usr/sbin, which is not on everybody's PATH.
mariadb_find() { PATH="$PATH:/usr/local/sbin:/usr/sbin" type -P "$@"; }

# The "core" packages are the programs alone: unlike mariadb-server they bring no system service that would start.
mariadb_install() {
  mariadb_find mariadbd mariadb-install-db my_print_defaults >/dev/null && return
  if [[ $(id -u) != 0 ]] || ! type -P apt-get >/dev/null; then
    mariadb_say "MariaDB is not installed and cannot be installed from here;" \
      "install your system's MariaDB server package as an administrator, then try again."
    return 1
  fi
  mariadb_say "installing the packages mariadb-server-core and mariadb-client-core"
  apt_quietly update || mariadb_say "some package lists could not be refreshed; going on with those at hand"
  apt_quietly install -y --no-install-recommends mariadb-server-core mariadb-client-core
}

# apt-get ARG...: asks nothing, waits for another installation to end, and is heard only when it fails.
apt_quietly() {
  local output
  output=$(DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@" 2>&1 </dev/null) && return
  printf '%s\n' "$output" >&2
  return 1
}

# mariadb_start PASSWORD: afterwards root may come in by TCP on 127.0.0.1:$MARIADB_PORT.
mariadb_start() {
  MARIADB_FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/batchline-mariadb.XXXXXX") || return
  mariadb_fill "$1" || return
  local attempt
  for attempt in 1 2 3 4 5; do
    mariadb_launch && mariadb_await && return
    # Only a port that somebody took between our look and the start is worth another try.
    grep -qs 'Bind on TCP/IP port' "$MARIADB_FOLDER/server.log" || break
    mariadb_say "port $MARIADB_PORT was just taken (try $attempt)"
  done
  mariadb_say "the server did not start; the end of its log:"
  tail -n 20 "$MARIADB_FOLDER/server.log" >&2
  return 1
}

mariadb_stop() {
  [[ -z $MARIADB_PID ]] || end_process "$MARIADB_PID" 5
  [[ -z $MARIADB_FOLDER ]] || rm -rf -- "$MARIADB_FOLDER"
  MARIADB_PID="" MARIADB_FOLDER=""
}

# end_process PID SECONDS: asks a child of this shell to end, insists after SECONDS, and reaps it.
end_process() {
  local deadline=$((SECONDS + $2))
  kill -TERM "$1" 2>/dev/null
  while kill -0 "$1" 2>/dev/null && ((SECONDS < deadline)); do sleep 0.05; done
  kill -KILL "$1" 2>/dev/null
  wait "$1" 2>/dev/null
  return 0
}

# The system tables, and a first script that gives root a password and a way in by TCP.
mariadb_fill() {
  local installer log=$MARIADB_FOLDER/install.log
  installer=$(mariadb_find mariadb-install-db) || { mariadb_say "mariadb-install-db is missing"; return 1; }
  mkdir "$MARIADB_FOLDER/data" && (umask 077 && cat >"$MARIADB_FOLDER/accounts.sql") <<SQL || return
CREATE OR REPLACE USER root@'127.0.0.1' IDENTIFIED BY '$1';
GRANT ALL PRIVILEGES ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;
ALTER USER root@localhost IDENTIFIED BY '$1';
SQL
  "$installer" --no-defaults --user="$(id -un)" --datadir="$MARIADB_FOLDER/data" --skip-test-db \
    --skip-name-resolve --auth-root-authentication-method=normal >"$log" 2>&1 </dev/null && return
  mariadb_say "the data folder could not be filled:"
  tail -n 20 "$log" >&2
  return 1
}

# Durability is switched off: the data live as long as one test run. Paths without a folder are inside the data folder.
mariadb_launch() {
  local program guard=()
  program=$(mariadb_find mariadbd) || return
  # Should this shell be killed outright, the kernel ends the server with it.
  type -P setpriv >/dev/null && guard=(setpriv --pdeathsig KILL)
  MARIADB_PORT=$(free_port) || return
  "${guard[@]}" "$program" --no-defaults --user="$(id -un)" --datadir="$MARIADB_FOLDER/data" \
    --bind-address=127.0.0.1 --port="$MARIADB_PORT" --socket=server.sock --pid-file=server.pid \
    --init-file="$MARIADB_FOLDER/accounts.sql" --skip-name-resolve --skip-log-bin --debug-no-sync \
    --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 --innodb-buffer-pool-size=64M \
    --innodb-log-file-size=32M --innodb-fast-shutdown=2 --max-connections=1000 --max-connect-errors=1000000 \
    --character-set-server=utf8mb4 >"$MARIADB_FOLDER/server.log" 2>&1 </dev/null &
  MARIADB_PID=$!
}

# Waits at most 60 s. The log is asked first, because only it proves that the server on this port is ours.
mariadb_await() {
  local deadline=$((SECONDS + 60))
  while ((SECONDS < deadline)) && kill -0 "$MARIADB_PID" 2>/dev/null; do
    grep -qs 'ready for connections' "$MARIADB_FOLDER/server.log" && port_answers "$MARIADB_PORT" && return
    sleep 0.05
  done
  end_process "$MARIADB_PID" 5
  MARIADB_PID=""
  return 1
}

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below the range from which Linux hands out ports to clients, so that none of them grabs it meanwhile.
free_port() {
  local port attempt
  for attempt in {1..50}; do
    port=$((12000 + RANDOM % 18000))
    port_answers "$port" || { printf '%s\n' "$port"; return; }
  done
  mariadb_say "found no free port in $attempt tries"
  return 1
}
