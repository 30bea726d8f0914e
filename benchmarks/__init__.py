"""Speed and generality of what polyopt builds: the sample project's functions and a corpus of small programs."""
