#!/bin/sh
# The clean-up: makes exactly what it is told is missing, a path a line.
set -eu
while IFS= read -r path; do
  unit=$(basename -- "$path" .txt)
  echo "condensed $unit" > "$path"
  echo "made $path"
done
