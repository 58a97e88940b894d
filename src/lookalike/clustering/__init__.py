"""Clustering: from matching pairs to disjoint clusters."""
