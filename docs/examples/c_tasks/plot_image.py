"""
An image in a few colors
========================

Color quantization is k-means on the pixels. Transparent pixels are kept and do not influence the
colors.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_sample_image

from ckmeans import plot
from ckmeans.image import quantize

image = load_sample_image("china.jpg")[::2, ::2]
axes = plot.quantization(image, (2, 4, 8, 16))

# %%
# The palette, sorted by how many pixels have each color:

reduced = quantize(image, 8, random_state=0)
order = (-reduced.model.counts_).argsort()
figure, axes = plt.subplots(1, 2, figsize=(10, 3.5), layout="constrained")
axes[0].imshow(reduced.image)
axes[1].barh(range(8), reduced.model.counts_[order], color=reduced.palette[order] / 255)
axes[1].invert_yaxis()
axes[1].set_xlabel("pixels")
axes[0].axis("off")
plt.show()
