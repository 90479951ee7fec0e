"""Reads the tables of an exported run with pandas and with DuckDB.

usage: read_tables.py FOLDER SUMMARY

FOLDER has the exports `csv`, `jsonl` and `parquet` of one run, and SUMMARY is its
summary.json. The script ends with status 0 when both programs read the same rows from
all formats and the rows give the figures of the summary.
"""

import json
import pathlib
import sys

import duckdb
import pandas
import pyarrow.parquet

TABLES = ("samples", "summary", "events")


def read_csv(folder, table):
    """Reads a table with the types that datapackage.json gives its columns."""
    package = json.loads((folder / "datapackage.json").read_text())
    resource = next(r for r in package["resources"] if r["name"] == table)
    fields = resource["schema"]["fields"]
    types = {"string": "str", "number": "float64"}
    return pandas.read_csv(
        folder / resource["path"],
        dtype={f["name"]: types[f["type"]] for f in fields if f["type"] in types},
        parse_dates=[f["name"] for f in fields if f["type"] == "datetime"],
        keep_default_na=False,
        na_values=resource["schema"]["missingValues"],
    )


def formats(folder, table):
    """Yields each reading of a table, with a name for messages."""
    yield "csv, pandas", read_csv(folder / "csv", table)
    yield "parquet, pandas", pandas.read_parquet(folder / "parquet" / f"{table}.parquet")
    for name in ("csv", "jsonl", "parquet"):
        path = folder / name / f"{table}.{name}"
        yield f"{name}, DuckDB", duckdb.sql(f"SELECT * FROM '{path}'").df()


def check_same_rows(folder, table):
    (first, expected), *others = list(formats(folder, table))
    assert len(expected) > 0, f"{table} has no rows"
    for name, found in others:
        assert list(found.columns) == list(expected.columns), (table, name)
        assert len(found) == len(expected), (table, name, len(found), len(expected))
        for column in expected.columns:
            # DuckDB may take a column of whole numbers for integers.
            if expected[column].dtype == "float64":
                assert (expected[column].isna() == found[column].isna()).all(), (table, name, column)
                largest = (expected[column] - found[column].astype("float64")).abs().max()
                assert not largest > 1e-9, (table, name, column, largest)
            elif column == "time":
                # CSV and JSON have milliseconds, and Parquet has microseconds.
                found_utc = pandas.to_datetime(found[column], utc=True)
                late = (pandas.to_datetime(expected[column], utc=True) - found_utc).abs().max()
                assert late <= pandas.Timedelta("1ms"), (table, name, late)
            elif column != "event":
                same = expected[column].fillna("") == found[column].fillna("")
                assert same.all(), (table, name, column)
    print(f"{table}: {len(expected)} rows, {len(others) + 1} readings agree with {first}")


def check_counters(samples, summary):
    """The sum of a counter over all seconds is its total in the summary."""
    counts = samples[samples["type"] == "count"].groupby("metric")["value"].sum()
    for section, names in (
        ("sockets", ("opened",)),
        ("heartbeats", ("due", "sent", "acknowledged", "missed")),
        ("commands", ("due", "issued", "replied", "timed_out", "failed")),
    ):
        for name in names:
            found = counts.get(f"{section}.{name}", 0)
            assert found == summary[section][name], (section, name, found)


def check_gauges(samples, summary):
    """The highest value of a gauge is the peak in the summary."""
    gauges = samples[samples["type"] == "gauge"]
    for node in summary["nodes"]:
        of_node = gauges[(gauges["source_kind"] == "node") & (gauges["source"] == node["id"])]
        peaks = of_node.groupby("metric")["value"].max()
        for metric, peak in (("rss", "rss_peak"), ("heap", "heap_peak"), ("sockets.open", "sockets_peak")):
            assert peaks[metric] == node[peak], (node["id"], metric, peaks[metric])
    # No control group was measured, so there is no row, and not a 0.
    assert not samples["metric"].str.startswith("cgroup.").any()


def check_latencies(samples, summary):
    """The steady phase has as many durations as the summary, and the same longest one."""
    steady = samples[samples["phase"] == "steady"].groupby("metric")["value"]
    for section in ("heartbeats", "commands"):
        expected = summary[section]["response_ms"]
        name = f"{section}.response"
        assert steady.sum()[f"{name}.count"] == expected["count"], name
        assert steady.max()[f"{name}.max"] == expected["max"], name
        assert steady.max()[f"{name}.p99"] >= expected["p99"], name


def check_summary(table, summary):
    """The table has the numbers of summary.json, and nothing where there is none."""
    run = table[table["source"].isna()].set_index("metric")["value"]
    assert run["heartbeats.response.p99"] == summary["heartbeats"]["response_ms"]["p99"]
    assert run["sockets.opened"] == summary["sockets"]["opened"]
    assert pandas.isna(run["telemetry.due"]), "nothing was asked for"
    peaks = table[table["metric"] == "nodes.rss_peak"].set_index("source")["value"]
    for node in summary["nodes"]:
        assert peaks[node["id"]] == node["rss_peak"]


def check_metadata(folder, summary):
    metadata = pyarrow.parquet.read_schema(folder / "parquet" / "samples.parquet").metadata
    assert metadata[b"highwater.scenario"].decode() == summary["scenario"]
    fields = json.loads(metadata[b"highwater.datapackage"])["resources"][0]["schema"]["fields"]
    assert any(field["name"] == "unit" for field in fields)
    groups = pyarrow.parquet.ParquetFile(folder / "parquet" / "samples.parquet").metadata
    metric = groups.row_group(0).column(6)
    assert metric.path_in_schema == "metric" and metric.has_dictionary_page


def main():
    folder, summary = pathlib.Path(sys.argv[1]), json.loads(pathlib.Path(sys.argv[2]).read_text())
    for table in TABLES:
        check_same_rows(folder, table)
    samples = pandas.read_parquet(folder / "parquet" / "samples.parquet")
    check_counters(samples, summary)
    check_gauges(samples, summary)
    check_latencies(samples, summary)
    check_summary(pandas.read_parquet(folder / "parquet" / "summary.parquet"), summary)
    check_metadata(folder, summary)


main()
