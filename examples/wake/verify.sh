#!/bin/sh
# The check: each output says what it is.
set -eu
cd "$(dirname -- "$0")/out"
for unit in a b c; do
  grep -qx "condensed $unit" "$unit.txt" || { echo "$unit.txt is not condensed"; exit 1; }
done
