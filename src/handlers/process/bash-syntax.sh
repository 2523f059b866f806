# Runs bash with these arguments, and with so little time (seconds of processor) and memory (KiB) that no script can do
# harm by being read, even if the service that wanted to know is gone meanwhile.
ulimit -c 0 -t 5 -v 524288
exec bash "$@"
