"""What people and pipelines type: parses, calls the engine, prints, and picks an exit status. Decides nothing else."""
