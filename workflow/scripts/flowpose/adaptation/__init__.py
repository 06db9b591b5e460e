"""Flow toward pose: the target and the finetuning of RAFT (paper section 3.2)."""
