"""Rule verify: say of every file of the results whether it is current."""

import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

from failures import failure_line
from flowpose.runtime.software import installed_software
from flowpose.storage.verification import Expected, verify

expected = [Expected(**item) for item in snakemake.params.expected]
verdicts = verify(expected, installed_software())
counts = Counter(verdict.state for verdict in verdicts)
lines = [
    f"{verdict.state:8} {verdict.path}" + (f": {verdict.why}" if verdict.why else "")
    for verdict in verdicts
]
lines.append(f"{len(verdicts)} files: " + ", ".join(f"{n} {state}" for state, n in counts.items()))
print(*lines, sep="\n")
changed = counts["stale"] + counts["corrupt"] > 0
if changed:
    remedy = "to make the stale and corrupt files above again, delete them and run the workflow"
    lines.append(f"{datetime.now():%Y-%m-%d %H:%M:%S} {failure_line(remedy)}")
log = Path(snakemake.log[0])
log.parent.mkdir(parents=True, exist_ok=True)
log.write_text("\n".join(lines) + "\n")
sys.exit(changed)
