"""What the shim and a report may cost. README.md has the same table with measured values, and says why."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    bound: float
    next: float
    at_least: bool = False

    def missed_by(self, value, bound):
        return max(0.0, bound - value if self.at_least else value - bound)

    def verdict(self, value, digits, sure_by=0.0):
        """sure_by: half the interval of the value; a bound within it is marked with '?'."""
        missed, missed_next = self.missed_by(value, self.bound), self.missed_by(value, self.next)
        doubt = " ?" if abs(value - self.bound) < sure_by else ""
        if missed:
            return f"missed by {missed:.{digits}f}{doubt}"
        return "met, next too" if not missed_next else f"met{doubt}"


BUDGETS = {
    "pair": Budget(1.02, 1.01),
    "pairs-crowd": Budget(1.05, 1.02),
    "start": Budget(1.1, 1.05),
    "script": Budget(1.1, 1.05),
    "joined-ms": Budget(0.5, 0.5),
    "report-speed": Budget(15, 25, at_least=True),
    "report-stopped-ms": Budget(250, 100),
    "findings": Budget(1.1, 1.05),
    "service": Budget(1.01, 1.01),
    "metrics-ms": Budget(200, 100),
    "stuck-s": Budget(2.0, 1.0),
    "stuck-stopped-ms": Budget(1000, 500),
    "resident-MiB": Budget(0.6, 0.3),
}
