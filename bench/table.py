"""The table that `make bench` prints, in 80 columns, and the same as JSON."""
import json
import os
import platform
import time
from dataclasses import asdict, dataclass

from budgets import BUDGETS
from sample import half_interval, median

WIDTHS = "{:<31}{:>9}{:>9}{:>8}{:>7}"


def number(value, digits=2):
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 10000 else f"{value:.{digits}f}"


@dataclass
class Row:
    """base, value: medians in the unit of the section. compared: what the budget bounds; spread: half of its interval."""
    name: str
    base: float | None = None
    value: float | None = None
    compared: float | None = None
    spread: float = 0.0
    budget: str = ""
    digits: int = 3
    why_not: str = ""  # set: not measured
    note: dict | None = None  # further figures, for JSON only

    @property
    def verdict(self):
        if not self.budget or self.compared is None:
            return ""
        return BUDGETS[self.budget].verdict(self.compared, self.digits, self.spread)

    def line(self):
        if self.why_not:
            return f"  {self.name:<29} not measured: {self.why_not}"
        bound = f"{BUDGETS[self.budget].bound:g}" if self.budget else ""
        spread = f"±{self.spread:.{self.digits}f}" if self.spread else ""
        compared = number(self.compared, self.digits)
        return (WIDTHS.format("  " + self.name, number(self.base), number(self.value), compared, spread)
                + (f" {bound:>4} {self.verdict}" if bound else "")).rstrip()


def missing(name, why):
    return Row(name, why_not=why)


def ratio_row(name, paired, budget="", scale=1.0, **more):
    ratios = paired.ratios()
    return Row(name, median(paired.bare) / scale, median(paired.other) / scale, median(ratios), half_interval(ratios), budget,
               **more)


def added_row(name, paired, budget="", scale=1.0, **more):
    added = [value / scale for value in paired.added()]
    return Row(name, median(paired.bare) / scale, median(paired.other) / scale, median(added), half_interval(added), budget,
               **more)


def wall_and_cpu(make, name, measured, budget, scale):
    """make: ratio_row or added_row. Other programs on the machine change CPU time less, but waiting is no part of it."""
    wall, cpu = measured
    return [make(name, wall, budget, scale), make("  its CPU time", cpu, budget, scale)]


class Table:
    """Prints each row when it is there: all of them take minutes."""

    def __init__(self):
        self.sections = []

    def section(self, title, base="bare", value="shim", compared="ratio"):
        self.sections.append({"title": title, "columns": [base, value, compared], "rows": []})
        print("\n" + (WIDTHS.format(title, base, value, compared, "") + "bound").rstrip(), flush=True)

    def add(self, row):
        self.sections[-1]["rows"].append(row)
        print(row.line(), flush=True)
        return row

    def save(self, path, **about):
        rows = [{"section": section["title"], "columns": section["columns"], **asdict(row), "verdict": row.verdict,
                 "bound": asdict(BUDGETS[row.budget]) if row.budget else None}
                for section in self.sections for row in section["rows"]]
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"schema": "threadleak-bench/1", **machine(), **about, "rows": rows}, file, indent=1)
            file.write("\n")


def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def machine():
    return {"date": time.strftime("%Y-%m-%d"), "cpus": len(os.sched_getaffinity(0)), "cpu": cpu_model(),
            "kernel": platform.release(), "libc": " ".join(platform.libc_ver()), "load": round(os.getloadavg()[0], 1)}
