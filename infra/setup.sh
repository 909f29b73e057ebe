#!/usr/bin/env bash
# Installs what a build of the default features needs: the toolchain of rust-toolchain.toml where rustup does not bring
# it by itself, a C compiler with its headers (zstd and two smaller crates are compiled from C), and pkg-config. With
# `--kafka` also what librdkafka is compiled with, and what makes the certificates of its tests. Does nothing, silently,
# when all of it is there.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

if ! command -v cargo >/dev/null; then
    say 'no `cargo` on the path; install Rust from https://rustup.rs and run this again'
    exit 1
fi
if ! cargo --version >/dev/null 2>&1; then
    channel=$(sed -n 's/^channel = "\(.*\)"$/\1/p' rust-toolchain.toml)
    say "installs Rust $channel"
    rustup toolchain install "$channel" --profile minimal --component rustfmt --component clippy
fi

missing=()
if ! command -v cc >/dev/null; then
    missing+=(gcc libc6-dev)
elif ! echo '#include <stdlib.h>' | cc -E - >/dev/null 2>&1; then
    missing+=(libc6-dev)
fi
command -v pkg-config >/dev/null || missing+=(pkg-config)
if [[ ${1:-} == --kafka ]]; then
    command -v make >/dev/null || missing+=(make)
    command -v openssl >/dev/null || missing+=(openssl)
    command -v c++ >/dev/null || missing+=(g++)
    pkg-config --exists openssl 2>/dev/null || missing+=(libssl-dev)
    pkg-config --exists libcurl 2>/dev/null || missing+=(libcurl4-openssl-dev)
fi
((${#missing[@]} == 0)) && exit 0

if ! command -v apt-get >/dev/null; then
    say "missing: ${missing[*]}; no \`apt-get\` here, so install them by hand"
    exit 1
fi
as_root=()
if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
        say "missing: ${missing[*]}; run \`apt-get install ${missing[*]}\` as root"
        exit 1
    fi
    as_root=(sudo)
fi
say "installs ${missing[*]}"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
