"""Rule verify: say of every file of the results whether it is current."""

import sys
from collections import Counter

from flowpose.verify import Expected, verify

verdicts = verify([Expected(**item) for item in snakemake.params.expected])
for verdict in verdicts:
    print(f"{verdict.state:8} {verdict.path}" + (f": {verdict.why}" if verdict.why else ""))
counts = Counter(verdict.state for verdict in verdicts)
print(f"{len(verdicts)} files: " + ", ".join(f"{n} {state}" for state, n in counts.items()))
if counts["stale"] or counts["corrupt"]:
    print("To make stale and corrupt files again, delete them and run the workflow.")
    sys.exit(1)
