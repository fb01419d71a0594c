"""The documentation's site: pages that are made from the code, and how links are read."""
