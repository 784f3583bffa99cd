"""What comes in, from a file that ends or grows or from stdin, until a signal ends it."""
