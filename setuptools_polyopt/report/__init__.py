"""What was done, what was not, and why: the data, its words, and how it is shown."""
