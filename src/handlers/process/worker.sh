# The runner's worker: a long-lived bash that starts one run at a time, captures its output and records how it ended.
# shellcheck shell=bash
#
#   bash worker.sh CAP_KIB WAIT_S        working folder: the runs folder
#
#   stderr   bash's own complaints, of no interest
#   stdin    one run id per line; a run id is the name of a run folder. End of input: finish the run in hand and leave
#   stdout   R VERSION                   ready
#            X VERSION                   this bash is too old (below 5.1); the worker leaves
#            D ID CODE open|closed       the script ended; "open": something still holds its stdout or stderr
#            F ID                        fenced: somebody has started this run already; nothing was done
#            E ID                        the run could not begin: no room for its status file, or no whole request
#   ID/req   NUL-terminated fields: work folder, file for stdout, file for stderr, words for ulimit (or empty), count of
#            environment entries, NAME=VALUE ..., command words ...; all paths absolute. Data: never parsed as shell
#   ID/status  written by this worker and its drains alone: three lines of 94 characters, 285 bytes that never grow, so
#            that the end of a run can be recorded on a full disk too
#            line 1: starting WORKER TICKS BOOT | running SCRIPT TICKS WORKER TICKS BOOT
#                    | exit CODE TIME WORKER TICKS SCRIPT TICKS BOOT-BEGIN [cut-out] [cut-err]
#            lines 2, 3: what the drain of stdout, of stderr had to complain about
#
# Starting a program costs as much as half a short script, so nothing here does on the short path: it forks once and
# executes only the script itself. A drain (one `tee` for each stream) is started for scripts that outlive the window
# of WAIT_S or print more than the head. Drains outlive worker and service, so neither's death costs a long run a byte.
#
# File descriptors:  3, 4  pipe of the script's stdout: the end we read, the end it writes     7, 8  lifeline of the
#                    5, 6  the same for its stderr                                                   drains

cap_kib=$1 wait_s=$2
head_bytes=$((cap_kib < 4 ? cap_kib * 1024 : 4096))

set -o monitor # each job has its own process group, and starts with no signal ignored
set -o noglob  # the words for ulimit are split, but are no file patterns
# Never `trap ''`: the script would inherit it. And no trap for CHLD: bash 5.2 can crash when it meets that in `read`.
trap : TERM HUP INT

# Sets start_ticks. They are counted from the last ')', since a program's name may hold blanks and brackets.
read_start_ticks() { # PID
  local line
  read -r line <"/proc/$1/stat"
  # shellcheck disable=SC2086 # split into fields
  set -- ${line##*) }
  start_ticks=${20}
}

# Sets request and what is at a fixed place in it; fails if the request is missing or has no command.
read_request() {
  mapfile -d '' -t request <"$folder/req" || return
  work_folder=${request[0]} out_file=${request[1]} err_file=${request[2]} limits=${request[3]} env_count=${request[4]}
  [[ $env_count =~ ^[0-9]{1,6}$ ]] && ((${#request[@]} > 5 + env_count))
}

# Creates the status file, which only one worker ever can: fence, identity and reserved space in one.
# Answers by itself if it fails.
claim() { # ID
  local reached=refused
  set -o noclobber
  {
    reached=opened
    printf '%-94s\n%94s\n%94s\n' "starting $identity" '' '' >&9 && reached=written
  } 9>"$status"
  set +o noclobber
  [[ $reached == written ]] && return
  # An empty status of our own would burn the id; one that somebody else is about to fill must stay.
  [[ $reached == refused ]] || rm -f "$status"
  if [[ -e $status ]]; then echo "F $1"; else echo "E $1"; fi
  return 1
}

# A pipe without a name: bash >= 5.1 makes one for a short here-string, and /proc opens its write end. Both write ends
# are open before the fork, otherwise we could read the end of the output before the script has begun.
open_pipes() {
  exec 3<<<'' 5<<<''
  read -r -u 3 _
  read -r -u 5 _
  exec 4>/proc/self/fd/3 6>/proc/self/fd/5
}

# Runs in the forked child and ends as the script.
become_script() {
  exec 1>&4 2>&6 0</dev/null 3<&- 4>&- 5<&- 6>&-
  echo 200 >/proc/self/oom_score_adj # short of memory, the kernel shall take the script, not us
  read_start_ticks self
  printf '%-94s\n' "running $BASHPID $start_ticks $identity" 1<>"$status"
  cd "$work_folder" 2>/dev/null || { echo 'The working folder of this run is not there.' >&2 && exit 126; }
  unset OLDPWD
  # shellcheck disable=SC2086 # several words
  [[ -z $limits ]] || ulimit $limits || exit 126
  # From here on the user's names rule, and may be the same as ours: everything needed is in the parameters. An array
  # is not exported, so the only one has to go. What bash has to say of a locale is the script's own bash's to say.
  set -- "$env_count" "${request[@]:5}"
  unset request
  (($1 == 0)) || export "${@:2:$1}" 2>/dev/null
  shift "$(($1 + 1))"
  exec -- "$@"
}

# Takes the first bytes of a stream, for as long as the window lasts; succeeds if the stream has ended with them.
take_head() { # FD LOG_FILE NAME
  local head result
  IFS= read -r -d '' -t "$wait_s" -n "$head_bytes" -u "$1" head
  result=$?
  if ((result == 0 && ${#head} < head_bytes)); then
    printf '%s\0' "$head" >>"$2" || cut+=" cut-$3" # the read ended at a NUL and swallowed it
  elif [[ -n $head ]]; then
    printf %s "$head" >>"$2" || cut+=" cut-$3"
  fi
  ((result == 1))
}

# Starts a process that carries a stream to its log. At the cap, or on a full disk, `tee` says so once, in the status
# file, and goes on reading, so that the script never notices. The log has a short name there: the line is short.
start_drain() { # FD LOG_FILE STATUS_OFFSET
  {
    exec 9<>"$status"
    read -r -N "$3" -u 9 _ # to its place; not by lines: the other drain's words are a line of their own
    exec 4>>"$2"
    ulimit -S -f "$cap_kib"
    trap '' XFSZ
    exec tee -a /dev/fd/4 <&"$1" >/dev/null 2>&9 3<&- 5<&- 7<&- 9>&-
  } &
}

# The drains hold the write end of the lifeline: it ends when the last of them does.
start_drains() { # FD LOG_FILE STATUS_OFFSET, for each stream that is still open
  exec 7<<<''
  read -r -u 7 _
  exec 8>/proc/self/fd/7
  while (($#)); do
    start_drain "$1" "$2" "$3"
    shift 3
  done
  exec 8>&-
  drained=yes
}

capture() {
  if ! take_head 3 "$out_file" out; then
    start_drains 3 "$out_file" 95 5 "$err_file" 190
  elif ! take_head 5 "$err_file" err; then
    start_drains 5 "$err_file" 190
  fi
  exec 3<&- 5<&-
}

# Sets code. `wait` also returns, with a code above 128, when a signal comes to us or the script is stopped; and when it
# ends at that moment, the code is the stale one. So ask until it is gone, and then once more. (Not `wait -f`: while the
# script is stopped, bash 5.2 spins in it.)
await_script() { # PID
  wait "$1"
  code=$?
  ((code > 128)) || return
  while kill -0 "$1"; do
    doze
    wait "$1"
  done
  wait "$1"
  code=$?
}

# Sets script_identity, which the script has left in the status file, unless it was killed before it could.
read_script_identity() {
  local state pid ticks
  read -r state pid ticks _ <"$status"
  script_identity='0 0'
  [[ $state != running ]] || script_identity="$pid $ticks"
}

# Sleeps a tenth of a second without a program: reads from a pipe that only we could write to.
doze() {
  {
    read -r -u 3 _
    read -r -t 0.1 -u 4 _
  } 3<<<'' 4<>/proc/self/fd/3
}

# The log is whole when the drains are gone: a moment after the script's end, longer only on a machine out of breath.
# What holds the script's streams beyond that was left behind by it. The end is on record already; only the answer waits.
drains_ended() {
  local result
  read -r -t 0.5 -u 7 _
  result=$?
  exec 7<&-
  ((result == 1))
}

run() { # ID
  local folder=$1 status=$1/status request work_folder out_file err_file limits env_count
  local script script_identity code cut='' drained=no leftovers=closed
  read_request || { echo "E $1" && return; }
  claim "$1" || return
  open_pipes
  become_script &
  script=$!
  exec 4>&- 6>&-
  capture
  await_script "$script"
  read_script_identity
  printf '%-94s\n' "exit $code $EPOCHREALTIME $worker $script_identity ${boot_id%%-*}$cut" 1<>"$status"
  [[ $drained == no ]] || drains_ended || leftovers=open
  echo "D $1 $code $leftovers"
}

exec 3<<<''
[[ -p /proc/self/fd/3 ]] || { echo "X $BASH_VERSION" && exit 64; }
exec 3<&-
read -r boot_id </proc/sys/kernel/random/boot_id
read_start_ticks $$
worker="$$ $start_ticks"
identity="$worker $boot_id"
echo "R $BASH_VERSION"
while read -r id; do run "$id"; done
