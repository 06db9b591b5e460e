"""Estimators of poses, each run in an environment of its own: a file an estimator."""
