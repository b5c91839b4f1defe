"""What was checked, and what is wrong."""

from contextlib import contextmanager


class Report:
    """Counts what holds and collects what does not."""

    def __init__(self):
        self.passed = 0
        self.complaints = []
        self._where = []

    @contextmanager
    def at(self, where):
        """Complaints inside name this place."""
        self._where.append(where)
        try:
            yield
        finally:
            self._where.pop()

    def check(self, holds, complaint):
        """Notes whether something holds, and returns it, so that what depends on it can be left out."""
        if holds:
            self.passed += 1
        else:
            self.complaints.append(": ".join([*self._where, complaint]))
        return bool(holds)
