#!/usr/bin/env bash
# Runs one fuzz target for some seconds: fuzz.sh TARGET SECONDS. Needs cargo-fuzz, and says so. A nightly compiler adds a
# sanitizer, which finds what unsafe code gets wrong; without one, what the targets assert, panics and hangs are found as
# well, for the coverage that guides the fuzzer is part of the stable compiler.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"

target=$1 seconds=$2
case $target in
  description | arguments | grants | oci | frames) ;;
  *) echo "there is no target \`$target\`: description, arguments, grants, oci, frames" >&2; exit 2 ;;
esac
if ! command -v cargo-fuzz >/dev/null; then
  echo "fuzzing needs cargo-fuzz (cargo install cargo-fuzz); without it, the tests run the same targets:" \
    "PLAYHOUSE_FUZZ_CASES=100000 cargo test --release fuzz" >&2
  exit 2
fi
if rustup run nightly rustc --version >/dev/null 2>&1; then
  toolchain=nightly sanitizer=address
else
  toolchain=stable sanitizer=none
  echo "there is no nightly compiler: fuzzing without a sanitizer" >&2
fi
mkdir -p "corpus/$target"
# The first folder gets what is found; the second is only read.
cargo "+$toolchain" fuzz run --sanitizer "$sanitizer" --features "$target" "$target" "corpus/$target" "seeds/$target" \
  -- -max_total_time="$seconds"
