"""A file a contender; each task that it takes part in is a function of that name, which makes what is timed."""
