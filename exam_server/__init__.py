"""The exam engine: one sitting at a time is decided here, and nowhere else."""
