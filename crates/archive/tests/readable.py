"""readable.py ROOT: DuckDB and pyarrow read every file of an archive, all columns, nested ones too, and agree.

Needs duckdb and pyarrow. Prints what it read; stops with a message and exit code 1 at the first difference.
"""

import glob
import hashlib
import json
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

TEXT = (
    "change_id event_id shared_event_id account_id account_name region event_source event_name error_code actor_kind "
    "actor_human actor_type actor_arn actor_session access_key_id via source_ip network_class source_country user_agent "
    "resource_type resource_id resource_arn resource_name environment owner change_kind change_set_id peer_group "
    "severity disposition suppressed_by raw_sha256 raw_event"
).split()
DOUBLE = "anomaly_percentile score score_forest score_tails surprisal_sum peer_distance percentile_shadow".split()
LOOKED_UP = "event_id resource_id resource_arn actor_human access_key_id source_ip".split()
TYPES = {
    **dict.fromkeys(TEXT, "VARCHAR"),
    **dict.fromkeys(DOUBLE, "DOUBLE"),
    **dict.fromkeys(["event_time", "seen_time"], "TIMESTAMP WITH TIME ZONE"),
    **dict.fromkeys(["missing_tags", "reasons", "rule_ids"], "VARCHAR[]"),
    "read_only": "BOOLEAN",
    "tags": 'STRUCT("key" VARCHAR, "old" VARCHAR, "new" VARCHAR, op VARCHAR)[]',
    "details": "MAP(VARCHAR, VARCHAR)",
    "versions": "STRUCT(config VARCHAR, rules VARCHAR, inventory VARCHAR, model VARCHAR)",
    "ingest": 'STRUCT(source VARCHAR, "partition" VARCHAR, "position" VARCHAR)',
}


def must(found, wanted, what):
    if found != wanted:
        sys.exit(f"{what}: found {found!r}, wanted {wanted!r}")


def plain(text):
    """A type's name without quotes, which differ from one version of DuckDB to the next."""
    return text.replace('"', "")


def by_pyarrow(table):
    """Counts that do not depend on the order of rows."""
    tags = [tag for tags in table["tags"].to_pylist() for tag in tags or []]
    details = [pair for pairs in table["details"].to_pylist() for pair in pairs or []]
    lists = ("missing_tags", "reasons", "rule_ids")
    return {
        "rows": table.num_rows,
        "texts": {name: table.num_rows - table[name].null_count for name in TEXT},
        "tags": (len(tags), sum(tag["old"] is not None for tag in tags), sum(tag["new"] is not None for tag in tags)),
        "ops": sorted({tag["op"] for tag in tags}),
        "details": (len(details), sum(len(value or "") for _, value in details)),
        "lists": {name: sum(len(items or []) for items in table[name].to_pylist()) for name in lists},
        "sources": sorted({row["source"] for row in table["ingest"].to_pylist()}),
        "configs": sorted({row["config"] for row in table["versions"].to_pylist()}),
    }


def by_duckdb(con):
    def one(sql):
        return con.execute(sql).fetchone()

    def column(sql):
        return [row[0] for row in con.execute(sql).fetchall()]

    texts = ", ".join(f'count("{name}")' for name in TEXT)
    lists = ("missing_tags", "reasons", "rule_ids")
    return {
        "rows": one("SELECT count(*) FROM changes")[0],
        "texts": dict(zip(TEXT, one(f"SELECT {texts} FROM changes"))),
        "tags": one("SELECT count(*), count(t.old), count(t.new) FROM (SELECT unnest(tags) AS t FROM changes)"),
        "ops": column("SELECT DISTINCT t.op FROM (SELECT unnest(tags) AS t FROM changes) ORDER BY 1"),
        "details": one(
            "SELECT count(*), coalesce(sum(length(e.value)), 0)::BIGINT "
            "FROM (SELECT unnest(map_entries(details)) AS e FROM changes)"
        ),
        "lists": {name: one(f"SELECT coalesce(sum(len({name})), 0)::BIGINT FROM changes")[0] for name in lists},
        "sources": column("SELECT DISTINCT ingest.source FROM changes ORDER BY 1"),
        "configs": column("SELECT DISTINCT versions.config FROM changes ORDER BY 1"),
    }


def check_filters(con, files):
    """No bloom filter hides a value that is there, and each kind of filter hides one that is not."""

    def hidden(file, name, value):
        probe = "SELECT bool_and(bloom_filter_excludes) FROM parquet_bloom_probe(?, ?, ?)"
        return con.execute(probe, [file, name, value]).fetchone()[0]

    for name in LOOKED_UP:
        # Without bounds DuckDB's look-ups pass the filter by.
        bounds = (
            "SELECT bool_and(stats_min_value IS NOT NULL) FROM parquet_metadata(?) "
            "WHERE path_in_schema = ? AND coalesce(stats_null_count < num_values, true)"
        )
        must(con.execute(bounds, [files, name]).fetchone()[0] is not False, True, f"whether {name} has bounds")
        absent = []
        for file in files:
            values = pq.read_table(file, columns=[name], partitioning=None)[name].drop_null()
            for value in {str(values[0]), str(values[-1])} if len(values) else ():
                must(hidden(file, name, value), False, f"whether the filter of {name} in {file} hides {value}")
            if len(values):
                absent.append(hidden(file, name, "not there"))
        must(any(absent) or not absent, True, f"whether any filter of {name} hides what is not there")


def main(root):
    files = sorted(glob.glob(f"{root}/changes/dt=*/*.parquet"))
    if not files:
        sys.exit(f"{root}/changes: found no parquet file, wanted one at least")
    logged = {}
    for name in glob.glob(f"{root}/_log/*/*.json"):
        with open(name, encoding="utf-8") as entry:
            logged.update({file["key"]: file for file in json.load(entry)["files"]})
    tables = []
    for file in files:
        key = file[len(root) :].lstrip("/")
        # partitioning=None: the date in the path is no column of the file.
        table = pq.read_table(file, partitioning=None)
        must(sorted(table.column_names), sorted(TYPES), f"columns of {key}")
        must(pq.read_metadata(file).metadata[b"tagwarden.schema_version"], b"1", f"schema version of {key}")
        must(table.schema.field("event_time").type, pa.timestamp("ms", tz="UTC"), f"type of event_time in {key}")
        for field in table.schema:
            must(pa.types.is_unsigned_integer(field.type), False, f"unsigned column {field.name} in {key}")
            must(b"PARQUET:field_id" in (field.metadata or {}), True, f"field id of {field.name} in {key}")
        if key in logged:
            must(table.num_rows, logged[key]["rows"], f"rows of {key}")
            with open(file, "rb") as content:
                must(hashlib.sha256(content.read()).hexdigest(), logged[key]["sha256"], f"SHA-256 of {key}")
        date = key.split("/")[1].removeprefix("dt=")
        must({str(time.date()) for time in table["event_time"].to_pylist()} <= {date}, True, f"dates in {key}")
        tables.append(table)
    if logged:
        there = {file[len(root) :].lstrip("/") for file in files}
        must(sorted(there ^ set(logged)), [], "files that only the log or only the folder has")
    whole = pa.concat_tables(tables)

    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    source = f"read_parquet('{root}/changes/*/*.parquet', hive_partitioning = true, union_by_name = true)"
    con.execute(f"CREATE VIEW changes AS SELECT * FROM {source}")
    types = {name: plain(kind) for name, kind, *_ in con.execute("DESCRIBE changes").fetchall()}
    must(types.pop("dt", None), "DATE", "type of dt")
    must(types, {name: plain(kind) for name, kind in TYPES.items()}, "columns that DuckDB sees")
    found = by_duckdb(con)
    must(found, by_pyarrow(whole), "what DuckDB read, against pyarrow")
    apart = "SELECT count(*) FROM changes WHERE dt <> CAST(event_time AS DATE)"
    must(con.execute(apart).fetchone()[0], 0, "rows in another date's folder")
    twice = "SELECT count(*) - count(DISTINCT change_id) FROM changes"
    must(con.execute(twice).fetchone()[0], 0, "change_ids that occur twice")
    check_filters(con, files)
    print(f"{len(files)} files, {found['rows']} rows, {len(TYPES)} columns; duckdb {duckdb.__version__} and pyarrow "
          f"{pa.__version__} agree")
    for name in ("tags", "ops", "details", "lists", "sources"):
        print(f"  {name}: {found[name]}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1].rstrip("/"))
