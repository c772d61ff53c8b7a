#!/usr/bin/env bash
# Builds the tools: Rust -> core module -> component -> dist/*.wasm and tools.lock.
#
#   build.sh            build and write dist/, tools.lock, the parts of the adapter for WASI, and the guests of tests
#   build.sh --check    build again elsewhere and compare with tools.lock; says so when it cannot
#
# The reference route is rustup's compiler of the version below with its prebuilt standard library: it is pinned, and
# the same for everybody. Where rustup cannot fetch that library, Debian's compiler with Debian's library source does
# (bookworm; about 140 MB of packages, unpacked in a folder of its own, no root needed). Its components work the same,
# but a different compiler gives different bytes, so `--check` then has nothing to compare.
#
# The sources are built from a copy in which everything lies under one workspace root: cargo mixes the absolute path of a
# package outside of it (../guest) into symbol names, and the bytes would depend on where the repository lies.
#
# SQLite is C: clang compiles it for WebAssembly, with the few functions of a C library in sqlite_query/libc. Its version
# is part of tools.lock for the same reason as the compiler's.
#
# PLAYHOUSE_WASM_ROUTE=rustup|debian chooses a route; the default tries them in this order.
set -euo pipefail
cd "$(dirname "$0")"

RUST_VERSION=1.95.0
TARGET=wasm32-unknown-unknown
TOOLS=(
  calculator convert csv_query datetime diff email_draft encode fetch files
  files_edit json_query lookup memory search sqlite_query template
)
CRATES=("${TOOLS[@]}" componentize exact hostile samples shared wasi)
HOSTILE=(misbehaves endless_describe reaches)
SAMPLES=(asks pays touches)
GUESTS=../host/tests/guests
# What is put around a component that speaks WASI, and components that do.
PARTS=(absent adapter front)
SPEAKERS=(borrows dials greets relays)
ADAPT=../adapt/parts
SPEAKING=../adapt/tests/guests
CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR
STAGE=$CARGO_TARGET_DIR/stage
CARGO=(cargo "+$RUST_VERSION")

say() { echo "tools: $*" >&2; }

try_rustup() {
  timeout 120 rustup target add --toolchain "$RUST_VERSION" "$TARGET" >/dev/null 2>&1 || return 1
  WASM_RUSTC=$(rustup which --toolchain "$RUST_VERSION" rustc)
  SYSROOT=$(rustc "+$RUST_VERSION" --print sysroot)
  STD=()
}

try_debian() {
  local root=${PLAYHOUSE_WASM_RUST:-$HOME/.wasm-rust} bin deb
  if [ ! -x "$root/rustc" ]; then
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 1
    mkdir -p "$root/debs"
    (cd "$root/debs" && apt-get download rustc-web rust-web-src libstd-rust-web-1.96 libstd-rust-web-dev libllvm22 \
      >/dev/null 2>&1) || { say "apt-get download failed (is this bookworm, with its package lists updated?)"; return 1; }
    for deb in "$root"/debs/*.deb; do dpkg -x "$deb" "$root/root"; done
    # The wrapper keeps LD_LIBRARY_PATH to this one program.
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%s/root/usr/lib/x86_64-linux-gnu exec %s/root/usr/bin/rustc "$@"\n' \
      "$root" "$root" >"$root/rustc"
    chmod +x "$root/rustc"
  fi
  # rustc-web has no linker for WebAssembly; every rustup toolchain brings one.
  bin=$(rustc "+$RUST_VERSION" --print sysroot)/lib/rustlib/x86_64-unknown-linux-gnu/bin
  export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$bin/rust-lld
  WASM_RUSTC=$root/rustc
  SYSROOT=$root/root/usr
  STD=("-Zbuild-std=std,panic_abort")
}

choose_route() {
  command -v clang >/dev/null || { say "clang is missing, which compiles SQLite: run scripts/setup.sh"; exit 1; }
  case ${PLAYHOUSE_WASM_ROUTE:-} in
    rustup) try_rustup || { say "rustup cannot add $TARGET to $RUST_VERSION"; exit 1; } ;;
    debian) try_debian || { say "no Debian compiler to be had here"; exit 1; } ;;
    *) try_rustup || try_debian || { say "no compiler for $TARGET: install rustup or use Debian 12"; exit 1; } ;;
  esac
  VERSION=$(versions)
  say "building with $VERSION"
}

# What the bytes depend on besides the sources.
versions() { echo "$("$WASM_RUSTC" --version), $(clang --version | head -n 1)"; }

# The copy. Times are kept, so that a second build has nothing to do.
stage() {
  rm -rf "$STAGE" && mkdir -p "$STAGE"
  cp -a Cargo.toml Cargo.lock "${CRATES[@]}" ../guest ../wit "$STAGE/"
  sed -i 's#"\.\./guest#"guest#g' "$STAGE/Cargo.toml"
  sed -i '/^workspace = "/d' "$STAGE/guest/Cargo.toml" "$STAGE/guest/macros/Cargo.toml"
  sed -i 's#"\.\./\.\./wit/#"../wit/#' "$STAGE"/hostile/src/lib.rs "$STAGE"/hostile/examples/*.rs
  sed -i 's#"\.\./\.\./\.\./wit/#"../../wit/#' "$STAGE"/wasi/*/src/lib.rs
}

# SQLite without what needs files, threads or an operating system, and without extensions that few databases use. cc asks
# for llvm-ar, which clang does not bring; rustc makes an archive of its own from any.
SQLITE="-DSQLITE_OS_OTHER=1 -USQLITE_THREADSAFE -DSQLITE_THREADSAFE=0 -USQLITE_ENABLE_LOAD_EXTENSION
  -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OMIT_LOCALTIME -DSQLITE_OMIT_WAL -DSQLITE_TEMP_STORE=3 -DSQLITE_DQS=0
  -DSQLITE_DEFAULT_MEMSTATUS=0 -DSQLITE_MAX_MMAP_SIZE=0 -DLONGDOUBLE_TYPE=double -UHAVE_ISNAN -UHAVE_USLEEP
  -UHAVE_LOCALTIME_R -USQLITE_ENABLE_FTS3 -USQLITE_ENABLE_FTS3_PARENTHESIS -USQLITE_ENABLE_FTS5 -USQLITE_ENABLE_RTREE
  -USQLITE_ENABLE_DBSTAT_VTAB -USQLITE_USE_URI"

# cargo for the guests: guest_cargo SUBCOMMAND …. No path of this machine may get into the bytes.
guest_cargo() {
  local subcommand=$1
  shift
  # RUSTC_BOOTSTRAP only where it is needed: build scripts watch it, and would run again for each step without it.
  (cd "$STAGE" && env RUSTC="$WASM_RUSTC" ${STD:+RUSTC_BOOTSTRAP=1} \
    CC_wasm32_unknown_unknown=clang AR_wasm32_unknown_unknown=ar LIBSQLITE3_FLAGS="${SQLITE//$'\n'/ }" \
    CFLAGS_wasm32_unknown_unknown="-nostdlibinc -isystem $STAGE/sqlite_query/libc/include" \
    RUSTFLAGS="--remap-path-prefix=$SYSROOT=/rust --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo --remap-path-prefix=$STAGE=/tools" \
    "${CARGO[@]}" "$subcommand" --quiet --locked --release --target "$TARGET" ${STD[@]+"${STD[@]}"} "$@")
}

# Core modules to components: build_into DIST GUESTS PARTS SPEAKING
build_into() {
  local out=$CARGO_TARGET_DIR/$TARGET/release name
  stage
  # A crate that is an rlib too is not optimised across crates (30 % larger): make the cdylib alone.
  for name in "${TOOLS[@]}"; do guest_cargo rustc --lib --crate-type cdylib -p "$name"; done
  guest_cargo build --examples -p hostile
  guest_cargo build --examples -p samples
  for name in "${PARTS[@]}"; do guest_cargo rustc --lib --crate-type cdylib -p "wasi_$name"; done
  for name in "${SPEAKERS[@]}"; do guest_cargo build --example "$name" -p wasi_samples; done
  (cd "$STAGE" && "${CARGO[@]}" build --quiet --locked --release -p componentize)
  COMPONENTIZE=$CARGO_TARGET_DIR/release/componentize
  mkdir -p "$1" "$2" "$3" "$4"
  for name in "${TOOLS[@]}"; do "$COMPONENTIZE" component "$out/$name.wasm" "$1/$name.wasm"; done
  for name in "${HOSTILE[@]}" "${SAMPLES[@]}"; do "$COMPONENTIZE" component "$out/examples/$name.wasm" "$2/$name.wasm"; done
  for name in "${PARTS[@]}"; do "$COMPONENTIZE" component "$out/wasi_$name.wasm" "$3/$name.wasm"; done
  for name in "${SPEAKERS[@]}"; do "$COMPONENTIZE" component "$out/examples/$name.wasm" "$4/$name.wasm"; done
  wanders "$4"
}

# One guest is built for WASI itself, with the standard library as it is there: wanders FOLDER. Only rustup has that; what
# lies there stays where it cannot be had.
wanders() {
  timeout 120 rustup target add --toolchain "$RUST_VERSION" wasm32-wasip2 >/dev/null 2>&1 || return 0
  (cd "$STAGE" && RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo --remap-path-prefix=$STAGE=/tools" \
    "${CARGO[@]}" build --quiet --locked --release --target wasm32-wasip2 -p wasi_samples --example wanders)
  cp "$CARGO_TARGET_DIR/wasm32-wasip2/release/examples/wanders.wasm" "$1/"
}

check() {
  if ! grep -qxF "rustc = \"$VERSION\"" tools.lock; then
    say "check skipped: tools.lock was made by $(sed -n 's/^rustc = //p' tools.lock), this is \"$VERSION\""
    return 0
  fi
  fresh=$(mktemp -d) # not local: the trap outlives this function
  trap 'rm -rf "$fresh"' EXIT
  build_into "$fresh/dist" "$fresh/guests" "$fresh/parts" "$fresh/speaking"
  "$COMPONENTIZE" lock "$fresh/dist" "$VERSION" >"$fresh/tools.lock"
  diff -u tools.lock "$fresh/tools.lock" || { say "the sources give other bytes than tools.lock says"; exit 1; }
  for name in "${TOOLS[@]}"; do cmp "dist/$name.wasm" "$fresh/dist/$name.wasm"; done
  for name in "${PARTS[@]}"; do cmp "$ADAPT/$name.wasm" "$fresh/parts/$name.wasm"; done
  say "checked: the same sources give the same bytes"
}

if [ "${1:-}" = --check ]; then
  # Only the reference route gives comparable bytes, and nothing but this check needs it.
  try_rustup || { say "check skipped: rustup cannot add $TARGET to $RUST_VERSION here"; exit 0; }
  command -v clang >/dev/null || { say "check skipped: there is no clang, which compiles SQLite; see scripts/setup.sh"; exit 0; }
  VERSION=$(versions)
  check
else
  choose_route
  build_into dist "$GUESTS" "$ADAPT" "$SPEAKING"
  "$COMPONENTIZE" lock dist "$VERSION" >tools.lock
  say "built $(ls dist/*.wasm | wc -l) tools"
fi
