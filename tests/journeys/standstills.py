"""When this machine ran nothing for a while: who waits then, waits for the machine."""

import threading
import time

BEAT = 0.1
LONG = 1.0


class Standstills:
    """A thread that looks at the clock ten times a second, and notes when it could not."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, float]] = []
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        last = time.monotonic()
        while True:
            time.sleep(BEAT)
            now = time.monotonic()
            if now - last > LONG:
                self._seen.append((last, now))
            last = now

    def since(self, moment: float) -> bool:
        """Whether there was one after a moment, or is one just ending."""
        time.sleep(2 * BEAT)  # its end is noted, too
        return any(ended > moment for _, ended in self._seen)
