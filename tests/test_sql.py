from __future__ import annotations

import time

import pytest
from conftest import sweep_quietly

from autolabel_core.foundation.errors import AutolabelError
from autolabel_core.labelling.give_labels import GivenLabel, give_labels
from autolabel_core.operations.sql import SqlLimits, run_sql


@pytest.fixture(scope="module")
def swept(module_home):
    module_home.declare("angles")
    module_home.declare("schema")
    objects = {"a.txt": 0, "b.txt": 10, "z.txt": 90, "z.txt.json": '{"camera": "c1"}'}
    module_home.put("angles", objects)
    stores = module_home.workspace
    sweep_quietly(stores, "angles")
    given = [GivenLabel("a.txt", "front")]
    give_labels(stores.open("angles"), given, "ann", "cli")
    sweep_quietly(stores, "angles")
    return stores


def test_an_aggregate_over_documents(swept):
    names, rows = run_sql(
        swept,
        "SELECT side, count(*) AS n, min(confidence) AS low FROM angles.documents "
        "GROUP BY side ORDER BY side NULLS LAST",
    )
    assert names == ["side", "n", "low"]
    assert [(label, n) for label, n, _ in rows] == [("front", 2), (None, 1)]


READING = {
    "join of all tables": (
        "SELECT d.key, r.size, a.annotator FROM angles.documents d JOIN angles.raw_objects r "
        "USING (document_id) JOIN angles.annotations a USING (document_id)",
        [("a.txt", 1, "ann")],
    ),
    "with": ("WITH n AS (SELECT 1 AS x) SELECT x FROM n", [(1,)]),
    "from first": ("FROM angles.documents SELECT count(*)", [(3,)]),
    "values": ("VALUES (1), (2)", [(1,), (2,)]),
    "metadata": (
        "SELECT metadata->>'camera' FROM angles.documents WHERE metadata->>'camera' IS NOT NULL",
        [("c1",)],
    ),
    "never swept": ("SELECT count(*) FROM schema.documents", [(0,)]),
    "never swept, raw": ("SELECT key, size FROM schema.raw_objects", []),
    "a comment and a semicolon": ("SELECT 1 -- one\n;", [(1,)]),
}


@pytest.mark.parametrize(("sql", "rows"), READING.values(), ids=READING)
def test_reading_works(swept, sql, rows):
    assert run_sql(swept, sql)[1] == rows


def test_tables_can_be_described(swept):
    names, rows = run_sql(swept, "DESCRIBE angles.documents")
    assert {"key", "label", "side", "confidence"} <= {
        row[names.index("column_name")] for row in rows
    }


def test_columns_of_one_name_do_not_hide_each_other(swept):
    assert run_sql(swept, "SELECT 1 AS a, 2 AS a, 3 AS a")[0] == ["a", "a_2", "a_3"]


REFUSED = {
    "write a file": "COPY (SELECT 1) TO '{out}'",
    "write a file in disguise": "EXPLAIN ANALYZE COPY (SELECT 1) TO '{out}'",
    "export": "EXPORT DATABASE '{out}'",
    "import": "IMPORT DATABASE '{folder}'",
    "attach": "ATTACH '{out}' AS other",
    "detach": "DETACH memory",
    "install": "INSTALL httpfs",
    "load": "LOAD httpfs",
    "pragma": "PRAGMA database_list",
    "set": "SET enable_external_access = true",
    "reset": "RESET enable_external_access",
    "call": "CALL pragma_version()",
    "use": "USE temp",
    "transaction": "BEGIN",
    "checkpoint": "CHECKPOINT",
    "create": "CREATE TABLE t AS SELECT 1",
    "insert": "INSERT INTO angles.annotations SELECT * FROM angles.annotations",
    "update": "UPDATE angles.annotations SET label = 'x'",
    "delete": "DELETE FROM angles.annotations",
    "drop": "DROP VIEW angles.documents",
    "several": "SELECT 1; SELECT 2",
    "several, the second writes": "SELECT 1; COPY (SELECT 1) TO '{out}'",
    "nothing": "",
    "a comment alone": "-- nothing",
    "a slip": "SELEC 1",
    "read_csv": "SELECT * FROM read_csv('{secret}')",
    "a path as a table": "SELECT * FROM '{secret}'",
    "read_text": "SELECT * FROM read_text('{secret}')",
    "read_blob": "SELECT * FROM read_blob('{secret}')",
    "read_json": "SELECT * FROM read_json('{secret}')",
    "read_parquet": "SELECT * FROM read_parquet('{folder}/*.parquet')",
    "parquet_metadata": "SELECT * FROM parquet_metadata('{secret}')",
    "sniff_csv": "SELECT * FROM sniff_csv('{secret}')",
    "glob": "SELECT * FROM glob('{folder}/*')",
    "https": "SELECT * FROM 'https://127.0.0.1:9/x.parquet'",
    "s3": "SELECT * FROM read_parquet('s3://bucket/x.parquet')",
    "another database": "SELECT * FROM sqlite_scan('{secret}', 't')",
    "secrets": "SELECT * FROM duckdb_secrets()",
    "environment": "SELECT getenv('AUTOLABEL_TEST_SECRET')",
    "a Python variable": "SELECT * FROM table_of_this_test",
    "query in a function": "SELECT * FROM query('COPY (SELECT 1) TO ''{out}''')",
    "unknown table": "SELECT * FROM angles.documnets",
}


@pytest.mark.parametrize("template", REFUSED.values(), ids=REFUSED)
def test_writing_and_the_world_outside_are_refused(swept, tmp_path, monkeypatch, template):
    import pyarrow as pa

    table_of_this_test = pa.table({"x": [1]})
    monkeypatch.setenv("AUTOLABEL_TEST_SECRET", "hunter2")
    secret, out = tmp_path / "secret.csv", tmp_path / "out"
    secret.write_text("hunter2\n")
    with pytest.raises(AutolabelError) as caught:
        run_sql(swept, template.format(secret=secret, out=out, folder=tmp_path))
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not out.exists()
    assert table_of_this_test.num_rows == 1


def test_no_setting_holds_a_secret(swept, monkeypatch):
    for name in ("AWS_SECRET_ACCESS_KEY", "AUTOLABEL_LEDGER_URL", "AUTOLABEL_TEST_SECRET"):
        monkeypatch.setenv(name, "hunter2")
    for sql in ("SELECT * FROM duckdb_settings()", "SELECT * FROM duckdb_variables()"):
        assert "hunter2" not in str(run_sql(swept, sql))


def test_an_unknown_table_is_told_with_near_ones(swept):
    with pytest.raises(AutolabelError, match=r"documnets does not exist! Did you mean"):
        run_sql(swept, "SELECT * FROM angles.documnets")


ESCAPES = [
    "EXPLAIN ANALYZE COPY (SELECT 1) TO 'x.csv'",
    "EXPLAIN (ANALYZE, FORMAT JSON) COPY (SELECT 1) TO 'x.csv'",
    "EXPLAIN /* a */ ANALYZE COPY (SELECT 1) TO 'x.csv'",
    "EXPLAIN ANALYZE EXPLAIN ANALYZE COPY (SELECT 1) TO 'x.csv'",
    "-- a\nEXPLAIN ANALYZE COPY (SELECT 1) TO 'x.csv'",
    "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '.tmp/x.csv'",
    "SELECT * FROM read_text('.tmp/secret')",
    "FROM '.tmp/secret.csv'",
    "SELECT * FROM glob('.tmp/*')",
    "SELECT content FROM read_blob('.tmp/secret')",
    "ATTACH '.tmp/x.db'",
    "EXPLAIN ATTACH '.tmp/x.db'",
    "EXPLAIN ANALYZE SET memory_limit = '1TB'",
    "SET temp_directory = '/tmp'",
    "PRAGMA temp_directory = '/tmp'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "EXPORT DATABASE '.tmp/x'",
    "CALL enable_logging()",
    "VACUUM",
    "CHECKPOINT",
    "USE memory",
    "SELECT 1; COPY (SELECT 1) TO '.tmp/x.csv'",
    "WITH x AS (SELECT 1) INSERT INTO angles.documents SELECT * FROM x",
    "DELETE FROM angles.documents",
    "CREATE SECRET (TYPE S3)",
]


@pytest.mark.parametrize("sql", ESCAPES)
def test_no_statement_reads_or_writes_the_temporary_folder(swept, tmp_path, monkeypatch, sql):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".tmp").mkdir()
    for name in ("secret", "secret.csv"):
        (tmp_path / ".tmp" / name).write_text("a\nsecret\n")
    with pytest.raises(AutolabelError, match=r"one reading statement|The query failed"):
        run_sql(swept, sql)
    assert sorted(path.name for path in tmp_path.rglob("*")) == [".tmp", "secret", "secret.csv"]


EXPLAINED = ["EXPLAIN SELECT 1", "explain analyze SELECT 1", "EXPLAIN\nANALYZE FROM range(3)"]


@pytest.mark.parametrize("sql", EXPLAINED)
def test_a_select_can_be_explained(swept, sql):
    assert run_sql(swept, sql)[1]


ENDLESS = [
    "SELECT count(*) FROM range(10000000) a, range(10000000) b",
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n FROM t) SELECT count(*) FROM t",
    "SELECT a.range FROM range(1000000000000) a WHERE a.range < 0",
]


@pytest.mark.parametrize("sql", ENDLESS)
def test_a_query_without_end_is_stopped(swept, sql):
    began = time.monotonic()
    with pytest.raises(AutolabelError, match=r"--timeout|--memory"):
        run_sql(swept, sql, SqlLimits(seconds=1.0))
    assert time.monotonic() - began < 30


def test_a_query_for_more_memory_or_rows_than_allowed_is_stopped(swept):
    sql = "SELECT list(range) FROM range(100000000)"
    with pytest.raises(AutolabelError, match="needs more than 50 MB and was stopped"):
        run_sql(swept, sql, SqlLimits(memory_mb=50))
    with pytest.raises(AutolabelError, match=r"more than 1,000,000 rows. Add a LIMIT"):
        run_sql(swept, "FROM range(2000000)")
