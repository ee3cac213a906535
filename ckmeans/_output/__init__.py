"""What leaves the package: user text made safe by kind of output, HTML, files written in one
step.
"""
