"""``python -m tocsin``, for where the command ``tocsin`` is not on the path."""

from tocsin.cli import main

if __name__ == "__main__":
    main()
