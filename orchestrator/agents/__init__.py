"""The agents that a worker can run: which command, with which prompt, and what their output says."""
