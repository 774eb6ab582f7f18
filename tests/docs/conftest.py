"""Time for what the guides have started."""

from tests.journeys.patience import slow_processes

__all__ = ["slow_processes"]
