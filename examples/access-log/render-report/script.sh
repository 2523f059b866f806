#!/usr/bin/env bash
# Turns the table of aggregate-traffic into one HTML page on stdout that needs nothing else.
# Usage: bash script.sh [TITLE] FILE    (the service gives the predecessor's output as the last argument)
set -euo pipefail
export LC_ALL=C

if [ $# -eq 0 ]; then
  echo "Name the file to show: the output of aggregate-traffic. In a chain, set previousOutput to true." >&2
  exit 2
fi

title="Traffic report"
[ $# -eq 1 ] || title=$1

# Everything is escaped here, before anything is made of it.
escape() { sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g'; }

TITLE=$(escape <<<"$title")
export TITLE
escape <"${!#}" | awk -f report.awk - template.html
