"""`make bench`: Larder, what it competes with, and what limits it, measured side by side in one run.

Read `plan` for what is measured, `rounds` for in which order, `tables` for what is made of it.
"""
