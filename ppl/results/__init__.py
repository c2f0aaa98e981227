"""What a run leaves: containers, files, summaries, and whether to trust them."""
