"""The only room that touches the machine: files, processes, clocks, identity, watching."""
