#!/usr/bin/env bash
# Starts a Kafka broker of its own in a temporary folder, runs a program with its address as the first argument, stops it.
# benches/kafka/with-broker.sh PROGRAM [ARGUMENT...]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)

installed=$("$root/infra/servers.sh" kafka | tail -1)
folder=$(mktemp -d)
broker=
stop() {
    if [[ -n $broker ]]; then
        kill "$broker" 2>/dev/null || true
        # It writes until it has ended, and `wait` does not wait when the script itself is being ended.
        while kill -0 "$broker" 2>/dev/null; do sleep 0.1; done
    fi
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port)
controller=$(free_port)

{
    grep -v '^listener.security.protocol.map\|^sasl\|^listener.name.sasl\|^    ' "$root/infra/servers/kafka.properties"
    printf '%s\n' 'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT' \
        "listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller" \
        "advertised.listeners=PLAINTEXT://127.0.0.1:$port" \
        "controller.quorum.voters=1@127.0.0.1:$controller" \
        "log.dirs=$folder/data" 'message.max.bytes=4194304'
} >"$folder/server.properties"

java=("$installed/java" -Xms512m -Xmx512m "-Dlog4j2.configurationFile=$root/infra/servers/log4j2.properties"
    -cp "$installed/libs/*")
"${java[@]}" kafka.tools.StorageTool format -t b3ZlcmdyYW50LXRlc3RzIQ -c "$folder/server.properties" >"$folder/format" 2>&1 ||
    { cat "$folder/format" >&2; exit 1; }
"${java[@]}" kafka.Kafka "$folder/server.properties" >"$folder/log" 2>&1 &
broker=$!
for ((i = 0; i < 300; i++)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    kill -0 "$broker" 2>/dev/null || { cat "$folder/log" >&2; exit 1; }
    sleep 0.2
done

program=$1
shift
"$program" "127.0.0.1:$port" "$@"
