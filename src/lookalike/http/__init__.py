"""What the review page and the service share: guard, request bodies, problems, time limits."""
