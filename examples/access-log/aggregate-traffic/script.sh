#!/usr/bin/env bash
# Counts hits, bytes and visitors (addresses) for each day, path and status class; prints a table with a header line.
# Visitors cannot be added up, so there are rows of totals too: "*" stands for all days, all paths or all classes.
# Usage: bash script.sh FILE    (the output of clean-access-log; the service gives it as the last argument)
set -euo pipefail
export LC_ALL=C # one order of rows on every machine; "*" comes before any path

if [ $# -eq 0 ]; then
  echo "Name the file to count: the output of clean-access-log. In a chain, set previousOutput to true." >&2
  exit 2
fi

printf 'day\tpath\tclass\thits\tbytes\tvisitors\n'
awk -F '\t' '
function count(day, path, class,   row) {
  row = day "\t" path "\t" class
  hits[row]++
  bytes[row] += $6
  if (!seen[row, $2]++) visitors[row]++
}

NR == 1 { next } # the header

{
  day = substr($1, 1, 10)
  path = $4
  sub(/\?.*/, "", path)
  count(day, path, substr($5, 1, 1) "xx")
  count(day, "*", "*")
  count("*", "*", "*")
  if (!known[day]++) days++
}

END {
  if (NR < 2) {
    print "The file holds no request." > "/dev/stderr"
    exit 1
  }
  for (row in hits) printf "%s\t%d\t%.0f\t%d\n", row, hits[row], bytes[row], visitors[row]

  results = ENVIRON["BATCHLINE_RESULT"] # kept with the execution, given to the successors
  all = "*\t*\t*"
  if (results != "")
    printf "days=%d\nhits=%d\nbytes=%.0f\nvisitors=%d\n", days, hits[all], bytes[all], visitors[all] > results
}' "${!#}" | sort
