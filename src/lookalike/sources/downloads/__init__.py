"""Pictures from the web: downloaded once, into a folder that is a cache.

Only what is asked for needs an HTTP library: ``crew`` and ``web``, imported late.
"""

from lookalike.sources.downloads.fetching import NOT_HERE, Downloads
from lookalike.sources.downloads.naming import named_url, with_urls

__all__ = ["NOT_HERE", "Downloads", "named_url", "with_urls"]
