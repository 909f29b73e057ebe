"""Insert formats beside each other, by what they cost the ClickHouse engine.

    python inserts.py FOLDER [TABLE] [ROWS] [ROUNDS]

FOLDER holds the engine's data with a filled TABLE (`access_event`). Its first ROWS rows are written once in every format
and then inserted from those bytes into an empty table of the same shape, the formats in turn, ROUNDS times. What counts is the
processor time of this process, user and system, in which the engine runs.
"""

import os
import statistics
import sys
import tempfile

from chdb.session import Session

FORMATS = ["RowBinary", "ArrowStream", "Native", "JSONEachRow", "Parquet"]


def processor_seconds():
    times = os.times()
    return times.user + times.system


def main():
    folder, table, n_rows, n_rounds = (sys.argv[1:] + ["access_event", "100000", "7"][len(sys.argv) - 2 :])[:4]
    n_rows, n_rounds = int(n_rows), int(n_rounds)
    session = Session(folder)
    database = next(
        name
        for name in str(session.query("SHOW DATABASES", "TSV")).split()
        if int(str(session.query(f"SELECT count() FROM system.tables WHERE database = '{name}' AND name = '{table}'", "TSV")))
        and name.lower() not in ("system", "information_schema")
    )
    session.query(f"USE {database}")
    session.query("DROP TABLE IF EXISTS inserted SYNC")
    session.query(f"CREATE TABLE inserted AS {table} ENGINE = MergeTree ORDER BY tuple()")
    session.query("SYSTEM STOP MERGES inserted")
    of_table = f"FROM system.columns WHERE database = '{database}' AND table = 'inserted' AND default_kind = ''"
    ask = lambda what: str(session.query(f"SELECT arrayStringConcat(groupArray({what}), ', ') {of_table}", "TSVRaw")).strip()
    structure, columns = ask("name || ' ' || type"), ask("name")
    version = str(session.query("SELECT version()", "TSV")).strip()
    costs = {name: [] for name in FORMATS}
    sizes = {}
    with tempfile.TemporaryDirectory() as work:
        for name in FORMATS:
            path = os.path.join(work, name)
            session.query(f"SELECT {columns} FROM {table} LIMIT {n_rows} INTO OUTFILE '{path}' FORMAT {name} "
                          "SETTINGS output_format_parquet_compression_method='none', output_format_arrow_compression_method='none'")
            sizes[name] = os.path.getsize(path)
        for _ in range(n_rounds):
            for name in FORMATS:
                session.query("TRUNCATE TABLE inserted")
                path = os.path.join(work, name)
                before = processor_seconds()
                session.query(f"INSERT INTO inserted ({columns}) SELECT * FROM file('{path}', {name}, $${structure}$$) "
                              "SETTINGS max_threads=1, max_insert_threads=1")
                costs[name].append(processor_seconds() - before)
        n_stored = int(str(session.query("SELECT count() FROM inserted", "TSV")))
    print(f"ClickHouse {version} (chdb), {n_stored} rows of {table}, median of {n_rounds} rounds; RowBinary = 1")
    print(f"{'format':<14}{'bytes a row':>12}{'µs a row':>10}   times RowBinary (least to most)")
    for name in FORMATS:
        median = statistics.median(costs[name]) / n_stored * 1e6
        ratios = sorted(cost / of for cost, of in zip(costs[name], costs["RowBinary"]))
        print(f"{name:<14}{sizes[name] / n_stored:>12.0f}{median:>10.2f}   {statistics.median(ratios):.2f} ({ratios[0]:.2f}–{ratios[-1]:.2f})")
    session.query("DROP TABLE inserted SYNC")


main()
