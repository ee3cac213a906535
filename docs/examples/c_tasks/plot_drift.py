"""
Do new rows still fit?
======================

A model that was fitted last month goes on predicting, whatever comes in. `drift` compares new rows
with those of the fit, tests the differences, and says whether to fit again.
"""

import numpy as np

from ckmeans import KMeans, drift

rng = np.random.default_rng(0)
middles = np.array([(0, 0), (6, 0), (3, 5)])


def rows(shares, shift=0.0):
    which = rng.choice(3, size=1500, p=shares)
    return middles[which] + rng.normal(0, 1, size=(1500, 2)) + shift * (which == 2)[:, None]


model = KMeans(3, random_state=0).fit(rows([0.4, 0.3, 0.3]))
reference = rows([0.4, 0.3, 0.3])  # old rows that the model was not fitted on
print(drift(model, rows([0.4, 0.3, 0.3]), reference))

# %%
# One cluster moves, another shrinks:

changed = drift(model, rows([0.2, 0.5, 0.3], shift=1.5), reference)
print(changed)
axes = changed.plot()
