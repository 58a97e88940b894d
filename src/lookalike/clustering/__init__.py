"""From matching pairs to disjoint clusters."""
