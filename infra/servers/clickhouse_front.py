"""The ClickHouse engine (PyPI's `chdb-core`, the real one, in this process) behind the HTTP interface of a server.

For tests. It proves what the engine does: SQL, types, formats, schema, deduplication, what survives a kill. It stands in
for a server where it can, and these things it cannot do:

- users are not the engine's: there are one writer and one reader, both from the environment, and CREATE USER, GRANT,
  quotas, row policies and settings profiles are refused by the engine (code 497);
- no exception comes in the middle of an answer: bodies are whole before the first byte leaves, so a late error is a
  clean one, and answers and requests have to fit into memory;
- no `session_id`, no compressed answers, no zstd blocks, no `system.query_log`, no replication, no back-pressure of a
  cluster under load, no native TCP protocol.

    python clickhouse_front.py --port 8123 --data FOLDER

Environment: `FRONT_USER` (`default` when absent) and `FRONT_PASSWORD` (empty when absent) may do everything;
`FRONT_READER` and `FRONT_READER_PASSWORD`, when set, may only read, within `FRONT_READER_SETTINGS` (a list like
`readonly=1,max_rows_to_read=1000000`; `readonly=1` when absent). `FRONT_INSERT_DELAY_MS` makes every insertion of rows
wait so long, as on a server that is too slow for its clients. SIGTERM answers what has been asked, then leaves.
"""

import argparse
import base64
import binascii
import gzip
import hmac
import json
import os
import re
import signal
import struct
import sys
import threading
import time
import uuid
import zlib
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import chdb
import lz4.block
import lz4.frame

# Far above a batch of 100,000 rows; what is larger is a mistake of the test.
MAX_BODY_BYTES = 1 << 30
# How long SIGTERM waits for what is being answered.
DRAIN_SECONDS = 20

# Parameters of the interface; every other one is a setting of the query.
INTERFACE = {
    "buffer_size", "client_protocol_version", "compress", "database", "decompress", "default_format", "password", "query",
    "query_id", "quota_key", "role", "session_check", "session_id", "session_timeout", "stacktrace", "user",
    "wait_end_of_query",
}
# `INSERT … FORMAT x` with the rows apart, in the body.
INSERT = re.compile(r"(?is)^\s*(insert\s+into\s.*?)\s+format\s+(\w+)\s*;?\s*$")
FORMAT = re.compile(r"(?is)^(.*)\sformat\s+(\w+)\s*(settings\s.*)?$")
NAME = re.compile(r"^\w+$")
CODE = re.compile(r"Code: (\d+)")

# Codes of ClickHouse (`src/Common/ErrorCodes.cpp`) and the status that its server gives them
# (`exceptionCodeToHTTPStatus`); 500 for the rest.
SYNTAX_ERROR, UNKNOWN_FORMAT, CANNOT_DECOMPRESS, QUERY_IS_TOO_LARGE, AUTHENTICATION_FAILED = 62, 73, 271, 307, 516
UNKNOWN_EXCEPTION, BAD_ARGUMENTS = 1002, 36
STATUS = {
    **dict.fromkeys([6, 26, 27, 36, 38, 41, 42, 43, 53, 62, 69, 72, 117, 130, 131, 321, 395, 427], 400),
    **dict.fromkeys([192, 193, 516], 403),
    **dict.fromkeys([46, 47, 50, 56, 60, 63, 73, 81, 107, 115, 392], 404),
    159: 408, 307: 413, 48: 501, 76: 503, 209: 503, 439: 503,
}


class Refused(Exception):
    """What the front itself refuses, in the words of a server."""

    def __init__(self, code, message):
        super().__init__(f"Code: {code}. DB::Exception: {message}")


class Users:
    """Who may come in, and the settings that hold for them."""

    def __init__(self, environment):
        self.known = {environment.get("FRONT_USER", "default"): (environment.get("FRONT_PASSWORD", ""), {})}
        if reader := environment.get("FRONT_READER"):
            listed = environment.get("FRONT_READER_SETTINGS", "readonly=1").split(",")
            settings = dict(one.strip().split("=", 1) for one in listed)
            self.known[reader] = (environment.get("FRONT_READER_PASSWORD", ""), settings)

    def settings_of(self, user, password):
        expected, settings = self.known.get(user, ("", None))
        same = hmac.compare_digest(expected.encode(), password.encode())
        if settings is None or not same:
            raise Refused(
                AUTHENTICATION_FAILED,
                f"{user}: Authentication failed: password is incorrect, or there is no user with such name. "
                "(AUTHENTICATION_FAILED)",
            )
        return settings


class Engine:
    """The engine on one folder. Every request has a connection of its own (0.2 ms), so that settings and the database
    of one never reach another, and requests run side by side."""

    def __init__(self, folder, insert_delay_seconds):
        self.folder = folder
        self.insert_delay_seconds = insert_delay_seconds
        # Keeps the engine up between requests.
        self.held = chdb.connect(folder)
        self.held.query("CREATE DATABASE IF NOT EXISTS default ENGINE = Atomic")

    def run(self, request):
        """The answer's bytes and its summary."""
        connection = chdb.connect(self.folder)
        try:
            self._prepare(connection, request)
            if request.rows is not None:
                return self._insert(connection, request)
            return self._query(connection, request)
        finally:
            connection.close()

    def _prepare(self, connection, request):
        connection.query(f"USE {quoted_name(request.database)}")
        # `readonly` locks the others, so it comes last of each: what the user is bound to, then what the request asks.
        for settings in (request.bound, request.settings):
            for name, value in sorted(settings.items(), key=lambda it: it[0] == "readonly"):
                if not NAME.match(name):
                    raise Refused(BAD_ARGUMENTS, f"`{name}` is no name of a setting. (BAD_ARGUMENTS)")
                connection.query(f"SET {name} = {quoted(value)}")

    def _insert(self, connection, request):
        time.sleep(self.insert_delay_seconds)
        inserter = connection.send_insert(request.sql, request.format)
        if request.rows:
            inserter.append(request.rows)
        done = inserter.finish()
        written = {"written_rows": done.rows_written, "written_bytes": done.bytes_written}
        return b"", {"read_rows": 0, "read_bytes": 0, **written}

    def _query(self, connection, request):
        answer = connection.query(request.sql, request.format, params=request.params or None)
        if answer is None or not hasattr(answer, "bytes"):
            return b"", {"read_rows": 0, "read_bytes": 0, "written_rows": 0, "written_bytes": 0}
        return answer.bytes(), {
            "read_rows": answer.storage_rows_read(),
            "read_bytes": answer.storage_bytes_read(),
            "written_rows": answer.rows_written(),
            "written_bytes": answer.bytes_written(),
        }

    def close(self):
        self.held.close()


class Request:
    """One request, taken apart: SQL, its format, its rows when it inserts, parameters, settings."""

    def __init__(self, url_parameters, body, content_type, bound):
        self.bound = bound
        self.database = url_parameters.get("database") or "default"
        self.params = {}
        self.settings = {}
        for name, value in url_parameters.items():
            if name.startswith("param_"):
                self.params[name.removeprefix("param_")] = value
            elif name not in INTERFACE:
                self.settings[name] = value
        sql = url_parameters.get("query", "")
        if content_type.startswith("multipart/form-data"):
            sql, body = self._read_form(content_type, body, sql)
        elif url_parameters.get("decompress") == "1":
            body = unblocked(body)
        self._set_sql(sql, body, url_parameters.get("default_format") or "TabSeparated")

    def _read_form(self, content_type, body, sql):
        form = BytesParser().parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
        if not form.is_multipart():
            raise Refused(BAD_ARGUMENTS, "the form has no parts. (BAD_ARGUMENTS)")
        for part in form.get_payload():
            name = part.get_param("name", header="content-disposition") or ""
            value = part.get_payload(decode=True) or b""
            if name == "query":
                sql = text(value)
            elif name.startswith("param_"):
                self.params[name.removeprefix("param_")] = text(value)
        return sql, b""

    def _set_sql(self, sql, body, default_format):
        if insert := INSERT.match(sql):
            self.sql, self.format, self.rows = insert[1], insert[2], body
            return
        self.rows = None
        whole = (sql + "\n" + text(body)).strip().rstrip(";").rstrip()
        if not whole:
            raise Refused(SYNTAX_ERROR, "Syntax error: Empty query. (SYNTAX_ERROR)")
        self.sql, self.format = whole, default_format
        # An insertion with its rows behind the format is the engine's to read.
        if not re.match(r"(?i)\s*insert\s", whole) and (named := FORMAT.match(whole)):
            self.sql, self.format = f"{named[1]} {named[3] or ''}", named[2]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "clickhouse-front"
    # Head and body leave in one piece, at once.
    wbufsize = -1
    disable_nagle_algorithm = True
    # A client that stops in the middle holds a thread no longer than this.
    timeout = 300

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = urlsplit(self.path)
        if path.path in ("/ping", "/replicas_status") or (path.path == "/" and not path.query):
            self.reply(200, b"Ok.\n", {})
        else:
            # As a server does: what comes by GET may not change anything.
            self.answer({"readonly": "2"})

    def do_POST(self):
        self.answer({})

    def answer(self, bound):
        with self.server.in_flight:
            started = time.monotonic()
            parameters = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
            query_id = parameters.get("query_id") or str(uuid.uuid4())
            headers = {"X-ClickHouse-Query-Id": re.sub(r"[^\x20-\x7e]", "?", query_id)}
            try:
                body = self.read_body()
                bound = bound | self.server.users.settings_of(*self.credentials(parameters))
                request = Request(parameters, body, self.headers.get("Content-Type", ""), bound)
                data, summary = self.server.engine.run(request)
                summary["elapsed_ns"] = int((time.monotonic() - started) * 1e9)
                headers["X-ClickHouse-Format"] = request.format
                headers["X-ClickHouse-Summary"] = json.dumps({name: str(value) for name, value in summary.items()})
                self.reply(200, data, headers)
            except ConnectionError:
                self.close_connection = True
            except Exception as error:  # whatever it is, the client is told
                self.refuse(str(error), headers)

    def credentials(self, parameters):
        """User and password, from wherever a client may put them; `default` without a password otherwise."""
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                raise Refused(AUTHENTICATION_FAILED, "no user in these credentials. (AUTHENTICATION_FAILED)") from None
            return user, password
        user = self.headers.get("X-ClickHouse-User") or parameters.get("user") or "default"
        return user, self.headers.get("X-ClickHouse-Key") or parameters.get("password") or ""

    def read_body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            body = self.read_chunks()
        else:
            n_bytes = int(self.headers.get("Content-Length") or 0)
            self.check_size(n_bytes)
            body = self.rfile.read(n_bytes)
            if len(body) < n_bytes:
                raise ConnectionError("the body breaks off")
        encoding = self.headers.get("Content-Encoding", "").lower()
        return decoded(body, encoding)

    def read_chunks(self):
        chunks, n_total = [], 0
        while True:
            head = self.rfile.readline(1024)
            try:
                n_bytes = int(head.split(b";")[0], 16)
            except ValueError:
                raise ConnectionError("the body breaks off") from None
            n_total += n_bytes
            self.check_size(n_total)
            chunk = self.rfile.read(n_bytes)
            if len(chunk) < n_bytes or not self.rfile.readline(1024):
                # An insertion whose client dies is none: not one of its rows is stored.
                raise ConnectionError("the body breaks off")
            if n_bytes == 0:
                return b"".join(chunks)
            chunks.append(chunk)

    def check_size(self, n_bytes):
        if n_bytes > MAX_BODY_BYTES:
            self.close_connection = True
            raise Refused(QUERY_IS_TOO_LARGE, f"a body of {n_bytes} bytes. (QUERY_IS_TOO_LARGE)")

    def refuse(self, message, headers):
        """Tells the client what the engine said, from its code on."""
        found = CODE.search(message)
        code = int(found[1]) if found else UNKNOWN_EXCEPTION
        message = message[found.start() :] if found else f"Code: {code}. DB::Exception: {message}"
        headers = headers | {"X-ClickHouse-Exception-Code": str(code)}
        self.reply(STATUS.get(code, 500), (message.rstrip("\n") + "\n").encode(), headers)

    def reply(self, status, data, headers):
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            for name, value in headers.items():
                self.send_header(name, value)
            if self.server.in_flight.closing:
                self.close_connection = True
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(data)
        except ConnectionError:
            self.close_connection = True


class InFlight:
    """Counts the requests that are being answered."""

    def __init__(self):
        self.changed = threading.Condition()
        self.n_requests = 0
        self.closing = False

    def __enter__(self):
        with self.changed:
            self.n_requests += 1

    def __exit__(self, *_):
        with self.changed:
            self.n_requests -= 1
            self.changed.notify_all()

    def drain(self, seconds):
        self.closing = True
        with self.changed:
            return self.changed.wait_for(lambda: self.n_requests == 0, seconds)


class Front(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def __init__(self, port, engine, users):
        self.engine = engine
        self.users = users
        self.in_flight = InFlight()
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, request, client_address):
        # A client that went away is no news.
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


def quoted(value):
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quoted_name(name):
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def text(data):
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Refused(SYNTAX_ERROR, "Syntax error: the query is not UTF-8. (SYNTAX_ERROR)") from None


def decoded(body, encoding):
    """A body as HTTP's own `Content-Encoding` has packed it."""
    unpack = {
        "": bytes,
        "identity": bytes,
        "gzip": gzip.decompress,
        "deflate": zlib.decompress,
        "lz4": lz4.frame.decompress,
    }.get(encoding)
    if unpack is None:
        raise Refused(UNKNOWN_FORMAT, f"unknown `Content-Encoding` `{encoding}`. (UNKNOWN_FORMAT)")
    try:
        return unpack(body)
    except (OSError, EOFError, zlib.error, RuntimeError) as error:
        raise Refused(CANNOT_DECOMPRESS, f"{error}. (CANNOT_DECOMPRESS)") from None


def unblocked(body):
    """Bytes out of ClickHouse's own blocks: a checksum of 16 bytes (not checked), method, size with this head of 9
    bytes, size when unpacked."""
    out, at = [], 0
    while at < len(body):
        try:
            method, n_packed, n_bytes = struct.unpack_from("<BII", body, at + 16)
            data = body[at + 25 : at + 16 + n_packed]
            if n_packed < 9 or len(data) != n_packed - 9 or n_bytes > MAX_BODY_BYTES:
                raise ValueError("a block breaks off")
            if method == 0x82:
                data = lz4.block.decompress(data, uncompressed_size=n_bytes)
            elif method != 0x02:
                raise ValueError(f"unknown method {method:#x} of a block")
        except (struct.error, ValueError, lz4.block.LZ4BlockError) as error:
            raise Refused(CANNOT_DECOMPRESS, f"{error}. (CANNOT_DECOMPRESS)") from None
        out.append(data)
        at += 16 + n_packed
    return b"".join(out)


def main():
    arguments = argparse.ArgumentParser(description="the ClickHouse engine behind HTTP, for tests")
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--data", required=True, help="folder of the engine; made when absent")
    arguments = arguments.parse_args()

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    engine = Engine(arguments.data, float(os.environ.get("FRONT_INSERT_DELAY_MS", "0")) / 1000)
    front = Front(arguments.port, engine, Users(os.environ))
    threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    print(f"listens at 127.0.0.1:{arguments.port}", flush=True)
    stop.wait()
    front.shutdown()
    front.server_close()
    if not front.in_flight.drain(DRAIN_SECONDS):
        print("leaves with requests unanswered", flush=True)
        # The engine waits for its queries as long as they run.
        os._exit(1)
    engine.close()


if __name__ == "__main__":
    main()
