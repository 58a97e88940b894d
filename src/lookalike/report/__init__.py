"""Reports in the forms that people and programs read."""

from lookalike.report.as_json import (
    SCHEMA,
    from_json,
    funnel_of,
    to_body,
    to_dict,
    to_json,
    with_run,
)

__all__ = ["SCHEMA", "from_json", "funnel_of", "to_body", "to_dict", "to_json", "with_run"]
