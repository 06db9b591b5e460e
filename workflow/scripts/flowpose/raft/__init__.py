"""RAFT: its weights, its networks and its flow."""
