"""Compare ckmeans with other k-means libraries: ``python -m bench`` from the top of a checkout.

Every library ("peer") runs in its own worker process, on the same data, from the same initial
centers, for the same number of iterations. Times are shown but do not count if the inertia differs.

==============  =============================================================================
``peers.py``    how each library is driven; one line of a table per peer
``data.py``     the cells: which data, how many rows, features and clusters
``tasks.py``    what is measured: fit, one iteration, k-means++, predict, transform, memory
``worker.py``   the process around one peer: loads data, times a task, checks the result
``runner.py``   starts workers and asks them in turn: A B C A B C
``machine.py``  CPU, threads, versions
``report.py``   tables, JSON and sentences
``releases.py`` results of releases, and what got slower between two of them
``files.py``    all that in a folder, with CSV and pictures
``limit.py``    a command of its own: how near the kernel comes to what the machine can do
``holes.py``    a command of its own: looks for inputs on which a fit is slow
==============  =============================================================================
"""
