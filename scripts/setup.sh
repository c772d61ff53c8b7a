#!/usr/bin/env bash
# Installs what the build needs and this machine lacks, and says what and why. Debian and its kin.
set -euo pipefail

if ! command -v cargo >/dev/null; then
  echo "setup: Rust is missing. Install it from https://rustup.rs (1.95 or newer), then try again." >&2
  exit 1
fi

wanted=()
need() { # need PACKAGE WHY TEST…: installs PACKAGE unless TEST succeeds
  local package=$1 why=$2
  shift 2
  if ! "$@" >/dev/null 2>&1; then
    echo "setup: $package is missing: $why"
    wanted+=("$package")
  fi
}
need g++ "compiles llama.cpp, which runs local models" command -v g++
need cmake "configures the build of llama.cpp" command -v cmake
need clang "gives bindgen the compiler headers for llama.cpp's interface" command -v clang
need libclang-dev "lets bindgen read llama.cpp's headers" \
  bash -c 'ls /usr/lib/llvm-*/lib/libclang*.so* /usr/lib/*/libclang*.so*'
need pkg-config "finds system libraries" command -v pkg-config

if [ ${#wanted[@]} -eq 0 ]; then
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "setup: this is not Debian; install by other means: ${wanted[*]}" >&2
  exit 1
fi
sudo=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: run as root: apt-get install ${wanted[*]}" >&2; exit 1; }
  sudo=(sudo)
fi
echo "setup: installing ${wanted[*]} (about 600 MB; most of it is clang)"
"${sudo[@]}" apt-get update
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${wanted[@]}"
