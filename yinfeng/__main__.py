"""`python -m yinfeng` is the command `yinfeng`."""

from yinfeng.cli import main

if __name__ == "__main__":
    main()
