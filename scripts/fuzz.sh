#!/usr/bin/env bash
# Runs one fuzz target for some seconds: fuzz.sh TARGET SECONDS. Needs a nightly compiler and cargo-fuzz, and says so.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"

target=$1 seconds=$2
case $target in
  description | arguments | grants | oci | frames) ;;
  *) echo "there is no target \`$target\`: description, arguments, grants, oci, frames" >&2; exit 2 ;;
esac
if ! rustup run nightly rustc --version >/dev/null 2>&1; then
  echo "fuzzing needs a nightly compiler (rustup toolchain install nightly); without one, the tests run the same" \
    "targets: PLAYHOUSE_FUZZ_CASES=100000 cargo test --release fuzz" >&2
  exit 2
fi
if ! command -v cargo-fuzz >/dev/null; then
  echo "fuzzing needs cargo-fuzz (cargo install cargo-fuzz)" >&2
  exit 2
fi
mkdir -p "corpus/$target"
# The first folder gets what is found; the second is only read.
cargo +nightly fuzz run --features "$target" "$target" "corpus/$target" "seeds/$target" -- -max_total_time="$seconds"
