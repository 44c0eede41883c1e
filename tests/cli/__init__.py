"""The command line: against the transfer contract, and against one real daemon for the folder."""
