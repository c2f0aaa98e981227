"""One run: engine, progress, interruption, and everything that follows from the draws."""
