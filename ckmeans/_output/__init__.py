"""Output of the package: text of users made safe for each kind of output, HTML, and files that are
written in one step.
"""
