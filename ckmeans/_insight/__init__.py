"""What a fitted model means and whether it still fits: explanations, trees, drift."""
