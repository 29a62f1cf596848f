"""`python -m autolabel_app`: the command line."""

from autolabel_app.cli import main

if __name__ == "__main__":
    main()
