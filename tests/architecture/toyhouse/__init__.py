"""A house with one service more: what a new one costs."""
