"""The standard report: how well weights hear, on recordings that they never met."""
