"""Downloads: pictures from the web, each downloaded once into a folder that is a cache.

Only ``crew`` and ``web`` need an HTTP library; they are imported when something is downloaded.
"""

from lookalike.sources.downloads.fetching import NOT_HERE, Downloads
from lookalike.sources.downloads.naming import named_url, with_urls

__all__ = ["NOT_HERE", "Downloads", "named_url", "with_urls"]
