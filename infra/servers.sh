#!/usr/bin/env bash
# Fetches the servers that the live tests run against, and the clients that read what we wrote, through ordinary package
# clients, and only what is absent:
#
#     infra/servers.sh kafka         Apache Kafka from Maven
#     infra/servers.sh registry      Apicurio Registry from Maven: the Confluent API of a schema registry
#     infra/servers.sh clickhouse    the ClickHouse engine from PyPI; `servers/clickhouse_front.py` puts HTTP before it
#     infra/servers.sh kcat          the command-line client of Kafka from Debian
#     infra/servers.sh avro          Confluent's Python client with its Avro reader from PyPI
#     infra/servers.sh all
#
# Prints the folder of each. Starts nothing: the tests do (`tests/src/servers.rs`). Installs Java, Maven or Python's venv
# where they are missing. Safe to run twice at once; a fetch that breaks off leaves nothing that counts as fetched.
set -euo pipefail
infra=$(cd "$(dirname "$0")" && pwd)

kafka_version=4.1.1
registry_version=3.0.9
clickhouse_version=26.9.0
lz4_version=4.4.5
avro_client_version=2.16.1
# The registry's archive is published without its parent, which later versions of the plugin take for a failure.
maven_plugin=org.apache.maven.plugins:maven-dependency-plugin:2.10

cache=${XDG_CACHE_HOME:-$HOME/.cache}/overgrant/servers

say() { printf '%s\n' "$*" >&2; }

install_packages() {
    if ! command -v apt-get >/dev/null; then
        say "missing: $*; no \`apt-get\` here, so install them by hand"
        exit 1
    fi
    local as_root=()
    if ((EUID != 0)); then
        if ! command -v sudo >/dev/null; then
            say "missing: $*; run \`apt-get install $*\` as root"
            exit 1
        fi
        as_root=(sudo)
    fi
    say "installs $*"
    # Two servers fetched at once may both come here; the second waits.
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600)
    "${apt[@]}" update >&2
    "${apt[@]}" install -y --no-install-recommends "$@" >/dev/null
}

# Prints a Java that runs both servers, 17 or newer, or fails.
find_java() {
    local java major
    for java in "$(command -v java || true)" /usr/lib/jvm/*/bin/java; do
        [[ -x $java ]] || continue
        major=$("$java" -version 2>&1 | sed -n '1s/.* version "\([0-9]*\).*/\1/p')
        if ((${major:-0} >= 17)); then
            readlink -f "$java"
            return
        fi
    done
    return 1
}

need_java() {
    find_java >/dev/null && return
    # Named by its number, since an older system's default is older than Kafka 4 wants; where 17 has gone, the default
    # is newer.
    install_packages openjdk-17-jre-headless || install_packages default-jre-headless
    find_java >/dev/null || { say 'no Java 17 or newer, and none could be installed'; exit 1; }
}

need_maven() {
    need_java
    command -v mvn >/dev/null || install_packages maven
}

maven() { JAVA_HOME=$(dirname "$(dirname "$(find_java)")") mvn -q -B -Dstyle.color=never "$@" >&2; }

fetch_kafka() {
    need_maven
    maven -f "$infra/servers/pom.xml" -Dkafka.version=$kafka_version $maven_plugin:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$1/libs"
    ln -s "$(find_java)" "$1/java"
}

fetch_registry() {
    need_maven
    # The last version that is published as an archive. A repository of its own keeps 104 MiB from lying around twice.
    maven $maven_plugin:get -Dartifact="io.apicurio:apicurio-registry-app:$registry_version:tar.gz:all" \
        -Dtransitive=false -Dmaven.repo.local="$1/maven"
    tar -xzf "$1"/maven/io/apicurio/apicurio-registry-app/"$registry_version"/*-all.tar.gz -C "$1"
    rm -rf "$1/maven"
    mv "$1/apicurio-registry-app-$registry_version-runner.jar" "$1/runner.jar"
    ln -s "$(find_java)" "$1/java"
}

# Makes an environment of its own in a folder.
make_venv() {
    # Without `ensurepip`, which Debian packs apart, `venv` brings no pip.
    if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
        install_packages python3 python3-venv
    fi
    python3 -m venv "$1" >&2
}

fetch_clickhouse() {
    make_venv "$1"
    # `chdb-core` alone is the engine; what it asks for beside (pandas, pyarrow) serves data frames.
    "$1/bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check --no-deps --only-binary :all: \
        "chdb-core==$clickhouse_version" "lz4==$lz4_version" >&2
    "$1/bin/python" -c 'import chdb, lz4.block, lz4.frame'
}

fetch_kcat() {
    command -v kcat >/dev/null || install_packages kcat
    ln -s "$(command -v kcat)" "$1/kcat"
}

fetch_avro() {
    make_venv "$1"
    "$1/bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check --only-binary :all: \
        "confluent-kafka[avro]==$avro_client_version" >&2
    "$1/bin/python" -c 'import confluent_kafka.schema_registry.avro'
}

# What makes a fetched server one that still runs: its interpreter can go with an upgrade of the system.
program_of() {
    case $1 in
        kafka | registry) printf '%s/java' "$2" ;;
        clickhouse | avro) printf '%s/bin/python' "$2" ;;
        kcat) printf '%s/kcat' "$2" ;;
    esac
}

is_there() { [[ $(cat "$2/stamp" 2>/dev/null) == "$3" && -x $(program_of "$1" "$2") ]]; }

provide() {
    local name=$1 stamp folder
    case $name in
        kafka) stamp="kafka $kafka_version" ;;
        registry) stamp="apicurio-registry $registry_version" ;;
        clickhouse) stamp="chdb-core $clickhouse_version, lz4 $lz4_version" ;;
        kcat) stamp="kcat of the system" ;;
        avro) stamp="confluent-kafka $avro_client_version" ;;
    esac
    folder=$cache/$name
    if ! is_there "$name" "$folder" "$stamp"; then
        mkdir -p "$cache"
        (
            flock 9
            # Whoever held the lock may have fetched it.
            is_there "$name" "$folder" "$stamp" && exit
            say "fetches $stamp"
            # A subshell's trap: a fetch that breaks off takes its folder with it.
            temporary=$(mktemp -d "$cache/.$name.XXXXXX")
            trap 'rm -rf "$temporary"' EXIT
            chmod 755 "$temporary"
            "fetch_$name" "$temporary"
            printf '%s\n' "$stamp" >"$temporary/stamp"
            # An older one steps aside first; a server that runs from it keeps what it has opened.
            if [[ -e $folder ]]; then
                mv "$folder" "$temporary.old"
                mv "$temporary" "$folder"
                rm -rf "$temporary.old"
            else
                mv "$temporary" "$folder"
            fi
        ) 9>"$cache/$name.lock"
    fi
    printf '%s\n' "$folder"
}

(($# > 0)) || set -- help
for name in "$@"; do
    case $name in
        kafka | registry | clickhouse | kcat | avro) provide "$name" ;;
        all)
            for each in kafka registry clickhouse kcat avro; do
                provide "$each"
            done
            ;;
        *)
            say 'servers: `kafka`, `registry`, `clickhouse`; clients: `kcat`, `avro`; or `all`'
            exit 2
            ;;
    esac
done
