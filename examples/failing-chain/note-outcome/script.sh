#!/usr/bin/env bash
# Notes that the chain has ended, whatever became of it. The service keeps the notes in the batch's state folder.
# Usage: bash script.sh
set -euo pipefail

notes=${BATCHLINE_STATE:+$BATCHLINE_STATE/notes.txt}
echo "$(date -u +%FT%TZ) chain run ${BATCHLINE_CHAIN_RUN_ID:-(by hand)} has ended" | tee -a "${notes:-/dev/null}"
