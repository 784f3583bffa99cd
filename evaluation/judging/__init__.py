"""Who judges a recording and how it is played to a judge: what the standard report and the bench share."""
