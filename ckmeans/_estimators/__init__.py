"""The estimators and what they share: restarts, order of labels, callbacks, model files, and the
interface of scikit-learn.
"""
