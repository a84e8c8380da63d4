"""What profiling adds to an event, and what its clock takes away."""
