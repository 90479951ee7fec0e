"""Draws the picture of docs/export.md with the lines that stand there.

usage: picture.py SAMPLES PICTURE

SAMPLES is samples.csv of an exported run.
"""

import sys

import matplotlib
import pandas

matplotlib.use("Agg")

samples = pandas.read_csv(sys.argv[1])
p99 = samples[samples.metric == "commands.response.p99"].set_index("t").value
nodes = samples[(samples.source_kind == "node") & (samples.metric == "sockets.open")]
axes = nodes.pivot(index="t", columns="source", values="value").plot(xlabel="seconds", ylabel="open sockets")
p99.plot(ax=axes, secondary_y=True, style="k.", label="p99 of commands, ms", legend=True)

axes.figure.set_size_inches(9, 4.5)
axes.figure.savefig(sys.argv[2], dpi=100, bbox_inches="tight")
