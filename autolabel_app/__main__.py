"""`python -m autolabel_app`: the command line."""

from autolabel_app.cli import run_and_end

if __name__ == "__main__":
    run_and_end()
