"""The library behind the stages: published image archives to a trained, measured CNN.

One noun a module; ``stages/`` calls it, never the reverse. ``docs/architecture.md`` has the map.
"""

import os

# Before Arrow is loaded: its own allocators keep what every thread has freed, a quarter of what
# decoding takes at most.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
