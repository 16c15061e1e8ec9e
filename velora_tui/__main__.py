import sys

from velora_tui.cli import main

if __name__ == "__main__":
    sys.exit(main())
