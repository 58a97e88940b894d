"""The review page: shows a report, records what a person decides."""
