"""The stages beyond one machine: what does not fit in one memory, by tasks over shards."""
