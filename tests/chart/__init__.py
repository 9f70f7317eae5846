"""The chart as the real Helm renders it. No cluster is needed."""
