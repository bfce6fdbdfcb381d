"""The checks, a file a kind of component; each file ends with the table of its checks."""
