"""What a profiler costs, measured on models of our own and never on the model in question."""
