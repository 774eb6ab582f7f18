"""The command line: thin commands over operations; `main` hands it what other rooms do."""
