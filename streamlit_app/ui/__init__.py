"""The site's views: each file shows one part of a page. All work is done by `dojo`."""
