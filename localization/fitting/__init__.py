"""From arrivals that belong together to a place with its covariance, or to the word that it is ambiguous."""
