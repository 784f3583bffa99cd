"""Tables of an analyst to the records of an audit, by a YAML file that says which column is what."""
