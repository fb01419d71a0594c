"""The library behind the stages: published image archives to a trained, measured CNN.

One noun a module; ``stages/`` calls it, never the reverse. ``docs/architecture.md`` has the map.
"""
