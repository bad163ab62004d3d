"""Illustrative projects: made up, so that what is computed meets what was printed.

No list of the real projects is public. schedule.py says what is approved when, build.py
makes the projects and their facts, amendments.py the corrections and late changes,
store.py writes it all down and removes it again. scale.py makes others, in any number,
to measure with.
"""

from .store import AlreadyLoaded, StillNeeded, load, remove

__all__ = ["AlreadyLoaded", "StillNeeded", "load", "remove"]
