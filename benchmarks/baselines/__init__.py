"""What the pipeline is measured against: programs that know nothing of it."""
