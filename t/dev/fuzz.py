# SPDX-License-Identifier: ISC
# run [FOLDER] [NAME...]: builds the fuzzers of t/fuzz below FOLDER (default build/fuzz) and runs each (or those named)
# for STOA_FUZZ_SECONDS (default 60), two at a time. One TAP line each; exit 1 when one of them found something.
# Nothing is written into the source tree but FOLDER, if it lies there.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
out=${1:-$top/build/fuzz}
[ $# -gt 0 ] && shift
seconds=${STOA_FUZZ_SECONDS:-60}
mkdir -p "$out/objects" || exit 1
out=$(cd "$out" && pwd)

warn='-Wall -Wextra'
sane='-fsanitize=address,undefined -fno-sanitize-recover=undefined'
flags="-std=gnu11 -D_GNU_SOURCE -O1 -g -fno-omit-frame-pointer $warn -I$top/src -I$top"
flags="$flags -DSTOA_VERSION=\"fuzz\" -DSTOA_MODULE_DIR=\"/nonexistent\" -DSTOA_DATA_ROOT=\"/nonexistent\""
flags="$flags -DSTOA_CONFIG_FILE=\"/nonexistent\""
packages='openssl libxml-2.0 json-c libpcre2-8 libcurl libidn'
flags="$flags $(pkg-config --cflags $packages)"
libs="$(pkg-config --libs $packages) -llmdb -lpthread -ldl"

# The sources of libstoa.a: every .c that a fragment adds to it.
sources() {
    for fragment in $(sed -n 's/^include \(.*sources\.am\)$/\1/p' "$top/Makefile.am"); do
        [ -f "$top/$fragment" ] && sed -n '/^libstoa_a_SOURCES *+=/,/[^\\]$/p' "$top/$fragment"
    done | tr ' \t\\' '\n\n\n' | grep '\.c$' | sort -u
}

# Compiles $1 to $2 when it, a header or a table is newer.
compile() {
    [ -f "$2" ] && [ -z "$(find "$top/src" "$top/shm" "$top/$1" -newer "$2" \( -name '*.h' -o -name '*.tbl' -o \
        -path "$top/$1" \) -print -quit 2>/dev/null)" ] && return 0
    # shellcheck disable=SC2086 # the lists are meant to be split
    clang $flags $sane -fsanitize=fuzzer-no-link -c "$top/$1" -o "$2"
}

build() {
    rm -f "$out/libstoa.a" "$out/build.failed"
    list=$(sources)
    for source in $list; do
        object="$out/objects/$(echo "$source" | tr '/' '_' | sed 's/c$/o/')"
        compile "$source" "$object" || { echo "Bail out! $source does not compile"; exit 1; }
        echo "$object"
    done > "$out/objects.list"
    grep '^Bail out!' "$out/objects.list" && exit 1
    xargs ar rcs "$out/libstoa.a" < "$out/objects.list" || exit 1
}

# Builds and runs the fuzzer $2, the $1-th; prints its TAP line.
fuzz() {
    name=$2
    log="$out/$name.log"
    found="$out/corpus/$name"
    mkdir -p "$found" "$out/finds/$name"
    [ -d "$top/t/fuzz/corpus/$name" ] && cp -R "$top/t/fuzz/corpus/$name/." "$found/"
    # shellcheck disable=SC2086
    if ! clang $flags $sane -fsanitize=fuzzer "$top/t/fuzz/${name}_fuzz.c" "$out/libstoa.a" $libs \
        -o "$out/$name" > "$log" 2>&1; then
        echo "not ok $1 - $name does not build: see $log"
        return 1
    fi
    dictionary=
    [ -f "$top/t/fuzz/$name.dict" ] && dictionary="-dict=$top/t/fuzz/$name.dict"
    # shellcheck disable=SC2086
    if "$out/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 -verbosity=1 \
        -print_final_stats=1 $dictionary -artifact_prefix="$out/finds/$name/" "$found" > "$log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        echo "ok $1 - $name: ${runs:-?} runs in ${seconds} s"
    else
        echo "not ok $1 - $name: see $log and $out/finds/$name"
        return 1
    fi
}

if [ "${STOA_FUZZ_ONE:-}" ]; then # called again by ourselves, see below
    fuzz "$1" "$2"
    exit
fi

if [ $# -gt 0 ]; then
    names=$*
else
    names=$(cd "$top/t/fuzz" && ls ./*_fuzz.c | sed 's|^\./||; s|_fuzz\.c$||')
fi
build
# shellcheck disable=SC2086
set -- $names
echo "1..$#"
number=0
for name in $names; do
    number=$((number + 1))
    echo "$number $name"
done | STOA_FUZZ_ONE=1 xargs -P 2 -n 2 "$0" "$out" || exit 1
