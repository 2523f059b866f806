#!/usr/bin/env bash
# Keeps the requests of people from an access log in combined format, as tab-separated fields with a header line.
# Usage: bash script.sh [LOG]
# ROBOT_AGENTS: pattern of the user agents that are no people (lower case, as in `awk`).
set -euo pipefail
export LC_ALL=C # bytes stay bytes, whatever the machine's language is
export ROBOT_AGENTS=${ROBOT_AGENTS:-bot|crawl|spider}

awk '
BEGIN {
  OFS = "\t"
  months = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
  two = "[0-9][0-9]" # not every awk knows {2}
  time = "\\[" two "/(" months ")/" two two ":" two ":" two ":" two " [+-]" two two "\\]"
  request = "\"[A-Z]+ /[^ \"\t]* HTTP/[0-9.]+\""
  quoted = "\"([^\"\\\\\t]|\\\\.)*\""
  combined = "^[0-9A-Fa-f.:]+ [^ ]+ [^ ]+ " time " " request " [1-5]" two " ([0-9]+|-) " quoted " " quoted "$"
}

# "25/Mar/2026:06:15:02", "+0100" -> "2026-03-25T06:15:02+01:00"
function iso(time, zone,   month) {
  month = (index(months, substr(time, 4, 3)) + 3) / 4
  return sprintf("%s-%02d-%sT%s%s:%s", substr(time, 8, 4), month, substr(time, 1, 2), substr(time, 13),
    substr(zone, 1, 3), substr(zone, 4, 2))
}

function unescaped(text) {
  gsub(/\001/, "\"", text)
  gsub(/\002/, "\\", text)
  return text
}

$0 !~ combined { malformed++; if (!first) first = NR; next }

{
  # Escaped quotes step aside, so that the other quotes can split the line.
  gsub(/\\\\/, "\002")
  gsub(/\\"/, "\001")
  split($0, part, "\"")
  split(part[1], client, " ")
  split(part[2], request_words, " ")
  split(part[3], answer, " ")
  path = request_words[2]
  agent = unescaped(part[6])
}

path == "/healthz" { checks++; next }
tolower(agent) ~ ENVIRON["ROBOT_AGENTS"] { robots++; next }

{
  if (!kept++) print "time", "address", "method", "path", "status", "bytes", "referer", "agent"
  print iso(substr(client[4], 2), client[5]), client[1], request_words[1], unescaped(path), answer[1], answer[2] + 0,
    unescaped(part[4]), agent
}

END {
  printf "Kept %d of %d lines; dropped %d health checks, %d by robots, %d malformed", \
    kept, NR, checks, robots, malformed > "/dev/stderr"
  print (first ? " (the first is line " first ")." : ".") > "/dev/stderr"
  if (!kept) {
    print "No valid request is left: is this an access log in combined format?" > "/dev/stderr"
    exit 1
  }
}' "${1:-access.log}"
