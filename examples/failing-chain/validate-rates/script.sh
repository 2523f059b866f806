#!/usr/bin/env bash
# Lets the rates pass only if each row is a currency and a number. Names every broken row and ends with exit code 3.
# Usage: bash script.sh FILE    (the output of fetch-rates; the service gives it as the last argument)
set -euo pipefail

if [ $# -eq 0 ]; then
  echo "Name the file to check: the output of fetch-rates. In a chain, set previousOutput to true." >&2
  exit 2
fi

awk '
NR > 1 && !/^[A-Z][A-Z][A-Z],[0-9]+(\.[0-9]+)?$/ {
  printf "Line %d is \"%s\": expected a currency and a number, such as USD,1.1582.\n", NR, $0 > "/dev/stderr"
  broken++
}
{ line[NR] = $0 }
END {
  if (broken) {
    printf "Broken rows: %d of %d. Nothing is passed on.\n", broken, NR - 1 > "/dev/stderr"
    exit 3
  }
  for (i = 1; i <= NR; i++) print line[i]
}' "${!#}"
