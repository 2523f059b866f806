#!/usr/bin/env bash
# Publishes the rates as JSON. A real batch would send it somewhere; this one prints it.
# Usage: bash script.sh FILE    (the output of validate-rates; the service gives it as the last argument)
set -euo pipefail

if [ $# -eq 0 ]; then
  echo "Name the file to publish: the output of validate-rates. In a chain, set previousOutput to true." >&2
  exit 2
fi

awk -F , '
BEGIN { printf "{\"base\":\"EUR\",\"rates\":{" }
NR > 1 { printf "%s\"%s\":%s", (NR > 2 ? "," : ""), $1, $2 }
END { print "}}" }' "${!#}"
