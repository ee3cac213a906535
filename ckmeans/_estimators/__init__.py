"""The estimators and what they share: restarts, labels, watching, model files, scikit-learn's
manners.
"""
