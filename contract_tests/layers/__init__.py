"""The questions, one module for each layer. A layer yields `Check`s; it sends through a `Session` only."""
